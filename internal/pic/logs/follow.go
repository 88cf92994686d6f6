package logs

import (
	"context"
	"errors"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

// printer writes executions as they come.
type printer struct {
	json *output.Stream[client.Execution]
	rows *output.Stream[row]
}

func newPrinter(w *output.Writer) *printer {
	if w.Format == output.JSON {
		return &printer{json: output.NewStream[client.Execution](w, nil)}
	}
	return &printer{rows: output.NewStream(w, columns(w))}
}

func (p *printer) print(executions ...client.Execution) error {
	if p.json != nil {
		return p.json.Write(executions...)
	}
	var rows []row
	for i := range executions {
		rows = append(rows, rowsOf(&executions[i])...)
	}
	return p.rows.Write(rows...)
}

// The wait before asking again after a connection broke: it doubles up to the
// longest, and starts anew once an execution has come.
const (
	firstWait   = time.Second
	longestWait = 30 * time.Second
)

// beforeAll is an ID below that of every execution: UUIDs in version 7 begin
// with their time.
const beforeAll = "00000000-0000-7000-8000-000000000000"

// follow writes the executions in latest and then each that ends after them.
// A connection that breaks is made again where it ended. It returns when ctx
// ends or the server refuses.
func follow(ctx context.Context, env *cli.Env, conn *client.Client, o options, p *printer, latest []client.Execution) error {
	after := beforeAll
	if len(latest) > 0 {
		after = latest[len(latest)-1].ID
	}
	if err := p.print(latest...); err != nil {
		return err
	}
	wait := firstWait
	for {
		var written error
		err := conn.FollowExecutions(ctx, o.app, client.ExecutionQuery{
			Script: o.script, Status: client.ExecutionStatus(o.status), After: after,
		}, func(e client.Execution) error {
			after, wait = e.ID, firstWait
			written = p.print(e)
			return written
		})
		if written != nil {
			return written
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var refused *client.Error
		if errors.As(err, &refused) && refused.Problem.Status < 500 {
			return cli.Explain(err)
		}
		env.Notef("The connection ended (%v); trying again in %s.", cli.Explain(err), wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, longestWait)
	}
}
