package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is what the server refused, and why. Get it with errors.As.
type Error struct {
	Problem
	// RetryAfter says when it makes sense to try again; 0: the server does not say.
	RetryAfter time.Duration
}

// Error returns the server's words.
func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	return e.Title
}

// Status returns the HTTP status of a refusal, or 0 if err is none.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return int(e.Problem.Status)
	}
	return 0
}

// refusal makes an error of an answer that is not 2xx.
func refusal(rsp *http.Response, body []byte) *Error {
	e := &Error{}
	problem := strings.HasPrefix(rsp.Header.Get("Content-Type"), "application/problem+json")
	if !problem || json.Unmarshal(body, &e.Problem) != nil {
		e.Problem = Problem{Detail: "the server answered " + rsp.Status + ", and not as PiCloud does: is the address right?"}
	}
	// The body cannot contradict the status line.
	e.Problem.Status = int64(rsp.StatusCode)
	if e.Title == "" {
		e.Title = http.StatusText(rsp.StatusCode)
	}
	if s, err := strconv.Atoi(rsp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
