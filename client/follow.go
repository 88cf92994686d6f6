package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 16 << 20

// FollowExecutions calls f for each execution that q selects, with its log
// lines, as they are recorded: those after q.After first, if it is set, else
// from now on. q.Before, q.Limit and q.Logs mean nothing here.
//
// It returns f's error, the context's, *Error, or io.ErrUnexpectedEOF when the
// connection ended; following again with After set to the last ID goes on
// where it ended.
func (c *Client) FollowExecutions(ctx context.Context, app string, q ExecutionQuery, f func(Execution) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rsp, err := c.api.StreamExecutions(ctx, app, &StreamExecutionsParams{
		Script: optional(q.Script), Status: optional(StreamExecutionsParamsStatus(q.Status)), After: optional(q.After),
	})
	if err != nil {
		return err
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(rsp.Body, 1<<20)) // what is missing leaves no problem to decode
		return refusal(rsp, body)
	}
	lines := bufio.NewScanner(rsp.Body)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	for lines.Scan() {
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
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return io.ErrUnexpectedEOF
}
