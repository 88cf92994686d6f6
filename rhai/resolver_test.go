package rhai

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

type resolverFunc func(ctx context.Context, path string) (Importable, error)

func (f resolverFunc) Resolve(ctx context.Context, _ *Engine, path, _ string) (Importable, error) {
	return f(ctx, path)
}

// A resolver may give nothing in any form, and its run may end while it waits.
func TestResolversThatFindNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e := NewEngine(WithResolver(resolverFunc(func(ctx context.Context, path string) (Importable, error) {
		switch path {
		case "module":
			return (*Module)(nil), nil
		case "program":
			return (*Program)(nil), nil
		case "wait":
			cancel()
			<-ctx.Done()
			return nil, fmt.Errorf("disk: %w", ctx.Err())
		}
		return nil, nil
	})))
	for path, want := range map[string]ErrorKind{"nothing": ErrModuleNotFound, "module": ErrModuleNotFound, "program": ErrModuleNotFound} {
		p := compileFor(t, e, "", `import "`+path+`" as m; m::f()`)
		if _, err := p.Run(ctx, nil); kindOf(err) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	p := compileFor(t, e, "", `let r = 0; try { import "wait" as m; } catch { r = 1; } r`)
	if v, err := p.Run(ctx, nil); kindOf(err) != ErrTerminated || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", v, err)
	}
}
