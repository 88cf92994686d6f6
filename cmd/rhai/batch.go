package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/picloud/picloud/rhai"
)

// Limits of a batch, those of the recorded conformance cases.
var batchLimits = rhai.Limits{MaxOperations: 50_000_000, MaxCallLevels: 64, MaxMemory: 256 << 20}

type question struct {
	ID     string `json:"id"`
	Script string `json:"script"`
}

// reply is the answer to a question: a value if OK, else an error.
type reply struct {
	ID       string   `json:"id"`
	OK       bool     `json:"ok"`
	Type     *string  `json:"type,omitempty"`
	Repr     *string  `json:"repr,omitempty"`
	ToString *string  `json:"to_string,omitempty"`
	Error    string   `json:"error,omitempty"`
	Kind     string   `json:"kind,omitempty"`
	Line     uint32   `json:"line,omitempty"`
	Pos      uint32   `json:"pos,omitempty"`
	Stdout   []string `json:"stdout"`
	Debug    []string `json:"debug"`
}

func batch(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 0 {
		return errUsage
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 {
			continue
		}
		var q question
		var r reply
		if err := json.Unmarshal(line, &q); err != nil {
			r = reply{ID: q.ID, Error: fmt.Sprintf("line %d is no question such as {\"id\":\"1\",\"script\":\"40 + 2\"}: %v", n, err), Stdout: []string{}, Debug: []string{}}
		} else {
			r = answer(ctx, q)
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errStopped
		}
	}
	return lines.Err()
}

// answer runs a script in an engine and scope of its own.
func answer(ctx context.Context, q question) reply {
	r := reply{ID: q.ID, Stdout: []string{}, Debug: []string{}}
	eng := rhai.NewEngine(
		rhai.WithLimits(batchLimits),
		rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) { r.Stdout = append(r.Stdout, text) }),
		rhai.WithDebug(func(_ context.Context, text, _ string, _ rhai.Position) { r.Debug = append(r.Debug, text) }),
	)
	prog, err := eng.Compile("", q.Script)
	var v rhai.Value
	if err == nil {
		v, err = prog.Run(ctx, nil)
	}
	if err == nil {
		typ, repr, text := v.TypeName(), v.Repr(), v.String()
		r.OK, r.Type, r.Repr, r.ToString = true, &typ, &repr, &text
		return r
	}
	r.Error = err.Error()
	var e *rhai.Error
	if errors.As(err, &e) {
		pos := e.Position
		r.Kind = string(e.Kind)
		if n := len(e.Trace); n > 0 {
			r.Kind, pos = string(rhai.ErrInFunctionCall), e.Trace[n-1].Position
		}
		r.Line, r.Pos = pos.Line, pos.Col
	}
	return r
}
