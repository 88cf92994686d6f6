// Package exit defines the exit codes of pic. They are part of its interface:
// scripts rely on them.
package exit

import (
	"errors"
	"fmt"
)

// The exit codes.
const (
	OK          = 0
	Failed      = 1  // anything that has no code of its own
	Usage       = 2  // the command line is wrong
	NotSignedIn = 3  // no credentials, or the server answered 401
	NotAllowed  = 4  // the server answered 403
	NotFound    = 5  // the server answered 404
	Answer      = 22 // the invoked endpoint answered something other than 2xx
)

// Error is an error with the exit code it ends pic with. Hint, when set, says
// what to do about it and is printed on a line of its own. Status is the HTTP
// status of the API's answer when the error comes from one.
type Error struct {
	Code   int
	Err    error
	Hint   string
	Status int
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Usagef returns an error that says how the command line is wrong.
func Usagef(format string, args ...any) error {
	return &Error{Code: Usage, Err: fmt.Errorf(format, args...)}
}

// Code returns the exit code for err: 0 for nil, 1 for an error without one.
func Code(err error) int {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Failed
}

// Hint returns what to do about err, if it says.
func Hint(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// FromStatus returns the exit code that stands for an HTTP status of the API.
func FromStatus(status int) int {
	switch status {
	case 401:
		return NotSignedIn
	case 403:
		return NotAllowed
	case 404:
		return NotFound
	}
	if status >= 200 && status < 300 {
		return OK
	}
	return Failed
}
