package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// maxEvent bounds one event of a stream, in bytes.
	maxEvent = 16 << 20

	// DefaultSilence is how long a stream may be silent. The server shows every
	// 25 seconds that it is there.
	DefaultSilence = 90 * time.Second
)

// FollowExecutions calls f for each execution that q selects, with its log
// lines, as they are recorded: those after q.After first, if it is set, else
// from now on. q.Before, q.Limit and q.Logs mean nothing here.
//
// It returns f's error, the context's, *Error, or io.ErrUnexpectedEOF when the
// connection ended or fell silent; following again with After set to the last ID goes on
// where it ended.
func (c *Client) FollowExecutions(ctx context.Context, app string, q ExecutionQuery, f func(Execution) error) error {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(c.silence, cancel)
	defer silent.Stop()
	rsp, err := c.api.StreamExecutions(ctx, app, &StreamExecutionsParams{
		Script: optional(q.Script), Status: optional(StreamExecutionsParamsStatus(q.Status)), After: optional(q.After),
	})
	if err != nil {
		return ended(outer, ctx, err)
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(rsp.Body, 1<<20)) // what is missing leaves no problem to decode
		return refusal(rsp, body)
	}
	lines := bufio.NewScanner(rsp.Body)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	for lines.Scan() {
		silent.Reset(c.silence)
		// Each event's data is one line; names, IDs and comments are not needed.
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var e Execution
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("the server sent an event that is no execution: %w", err)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return ended(outer, ctx, err)
}

// ended says why a stream did: because of the caller, of silence, or of err.
func ended(outer, inner context.Context, err error) error {
	switch {
	case outer.Err() != nil:
		return outer.Err()
	case inner.Err() != nil:
		return fmt.Errorf("the server has fallen silent: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the stream broke off: %w", err)
}
