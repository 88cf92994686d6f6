package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

// method is a call that a run makes of its host.
type method uint8

const (
	methodSource method = 1
	methodCommit method = 2
	methodGet    method = 3
	methodList   method = 4

	methodVariables method = 5
	methodSecret    method = 6
)

type replyCode uint8

const (
	replyOK          replyCode = 0
	replyFailed      replyCode = 1
	replyUnsupported replyCode = 2
	replyNotFound    replyCode = 3
	replyUnavailable replyCode = 4
	replyCancelled   replyCode = 5 // the run is given up; that is about to be said
)

type call struct {
	ordinal uint64 // 1, 2, 3 … in the run
	method  method
	payload []byte
}

type reply struct {
	ordinal uint64
	code    replyCode
	text    string
	payload []byte
}

func (c call) encode() []byte {
	e := &encoder{}
	e.uint(1, c.ordinal)
	e.uint(2, uint64(c.method))
	e.bytes(3, c.payload)
	return e.b
}

func decodeCall(b []byte) (c call, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			c.ordinal = f.u
		case 2:
			c.method = method(f.u)
		case 3:
			c.payload = f.bytes
		}
		return nil
	})
	return c, err
}

func (r reply) encode() []byte {
	e := &encoder{}
	e.uint(1, r.ordinal)
	e.uint(2, uint64(r.code))
	e.string(3, r.text)
	e.bytes(4, r.payload)
	return e.b
}

func decodeReply(b []byte) (r reply, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			r.ordinal = f.u
		case 2:
			r.code = replyCode(f.u)
		case 3:
			r.text = f.string()
		case 4:
			r.payload = f.bytes
		}
		return nil
	})
	return r, err
}

// answer makes the call of host.
func answer(ctx context.Context, host invoke.Host, c call) reply {
	r := reply{ordinal: c.ordinal}
	var err error
	switch c.method {
	case methodSource:
		var src string
		src, err = host.Source(ctx, string(c.payload))
		r.payload = []byte(src)
	case methodCommit:
		var cm *invoke.Commit
		if cm, err = decodeCommit(c.payload); err == nil {
			var out invoke.Outcome
			out, err = host.Commit(ctx, cm)
			e := &encoder{}
			e.uint(1, uint64(out.Verdict))
			e.string(2, out.Detail)
			r.payload = e.b
		}
	case methodGet:
		var keys []string
		if keys, err = decodeKeys(c.payload); err == nil {
			var p invoke.Page
			p.Entries, err = host.Get(ctx, keys)
			r.payload = encodePage(p)
		}
	case methodList:
		var q invoke.Query
		if q, err = decodeQuery(c.payload); err == nil {
			var p invoke.Page
			p, err = host.List(ctx, q)
			r.payload = encodePage(p)
		}
	case methodVariables:
		var vars map[string]string
		vars, err = host.Variables(ctx)
		r.payload = encodeVariables(vars)
	case methodSecret:
		var value string
		value, err = host.Secret(ctx, string(c.payload))
		r.payload = []byte(value)
	default:
		r.code, r.text = replyUnsupported, fmt.Sprintf("the host does not know method %d: it is of an older release", c.method)
		return r
	}
	if err != nil {
		r.code, r.text, r.payload = replyFailed, err.Error(), nil
		switch {
		case ctx.Err() != nil:
			r.code = replyCancelled
		case errors.Is(err, store.ErrNotFound):
			r.code = replyNotFound
		case errors.Is(err, store.ErrUnavailable):
			r.code = replyUnavailable
		}
	}
	return r
}

// err returns what the host answered as an error, nil if it did what was asked.
func (r reply) err() error {
	switch r.code {
	case replyOK:
		return nil
	case replyNotFound:
		return &hostError{r.text, store.ErrNotFound}
	case replyUnavailable:
		return &hostError{r.text, store.ErrUnavailable}
	case replyCancelled:
		return &hostError{r.text, context.Canceled}
	default:
		return &hostError{text: r.text}
	}
}

// hostError is an error of the host, with the same text as there.
type hostError struct {
	text string
	is   error
}

func (e *hostError) Error() string { return e.text }
func (e *hostError) Unwrap() error { return e.is }

func decodeOutcome(b []byte) (o invoke.Outcome, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			o.Verdict = invoke.Verdict(f.u)
		case 2:
			o.Detail = f.string()
		}
		return nil
	})
	return o, err
}
