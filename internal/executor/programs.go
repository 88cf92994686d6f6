package executor

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/rhai"
)

// programs keeps compiled programs by the hash of their source, the least
// recently used going first when they take too much. A run keeps its program;
// what goes from here is only not found again.
type programs struct {
	engine *rhai.Engine
	max    int64

	mu        sync.Mutex
	size      int64
	entries   map[string]*list.Element // of *entry
	order     list.List                // most recently used first
	compiling map[string]*compilation
}

type entry struct {
	hash    string
	program *rhai.Program
	size    int64
}

// compilation is one that is under way and that several runs may wait for.
type compilation struct {
	done    chan struct{}
	program *rhai.Program
	err     error
}

func newPrograms(e *rhai.Engine, maxBytes int64) *programs {
	return &programs{engine: e, max: maxBytes, entries: map[string]*list.Element{}, compiling: map[string]*compilation{}}
}

// programSize estimates what a compiled program takes in memory.
func programSize(source string) int64 { return 4096 + 24*int64(len(source)) }

// sourceError says that a script's source could not be had.
type sourceError struct {
	script string
	err    error
}

func (e *sourceError) Error() string {
	return fmt.Sprintf("the source of %q cannot be read: %v", e.script, e.err)
}
func (e *sourceError) Unwrap() error { return e.err }

// get returns the program with the hash, compiled from host's source if need
// be. name is the script's.
func (p *programs) get(ctx context.Context, host invoke.Host, hash, name string) (*rhai.Program, error) {
	for {
		p.mu.Lock()
		if at := p.entries[hash]; at != nil {
			p.order.MoveToFront(at)
			program := at.Value.(*entry).program
			p.mu.Unlock()
			return program, nil
		}
		c := p.compiling[hash]
		if c == nil {
			c = &compilation{done: make(chan struct{})}
			p.compiling[hash] = c
			p.mu.Unlock()
			p.compile(ctx, host, hash, name, c)
			return c.program, c.err
		}
		p.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// The other run's cancellation is not this one's.
		if c.err == nil || !isContextError(c.err) {
			return c.program, c.err
		}
	}
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (p *programs) compile(ctx context.Context, host invoke.Host, hash, name string, c *compilation) {
	c.err = errors.New("the compiler panicked") // unless it comes back
	size := int64(0)
	defer func() {
		p.mu.Lock()
		delete(p.compiling, hash)
		if c.err == nil {
			p.add(hash, c.program, size)
		}
		p.mu.Unlock()
		close(c.done)
	}()
	source, err := host.Source(ctx, hash)
	if err != nil {
		c.err = &sourceError{name, err}
		return
	}
	if sum := sha256.Sum256([]byte(source)); hex.EncodeToString(sum[:]) != hash {
		c.err = &sourceError{name, errors.New("it is not the one that was deployed: its hash differs")}
		return
	}
	size = programSize(source)
	c.program, c.err = p.engine.Compile(name, source)
}

// add keeps a program. p.mu is held.
func (p *programs) add(hash string, program *rhai.Program, size int64) {
	p.entries[hash] = p.order.PushFront(&entry{hash, program, size})
	p.size += size
	for p.size > p.max && p.order.Len() > 1 {
		last := p.order.Back()
		e := p.order.Remove(last).(*entry)
		delete(p.entries, e.hash)
		p.size -= e.size
	}
}

// Resolve implements rhai.Resolver: `import "name"` brings in the script of
// that name of the same deployment.
func (res resolver) Resolve(ctx context.Context, _ *rhai.Engine, path, _ string) (rhai.Importable, error) {
	r := runOf(ctx)
	if r == nil {
		return nil, rhai.ErrNoModule
	}
	hash, ok := r.start.Scripts[path]
	if !ok {
		return nil, rhai.ErrNoModule
	}
	return res.e.programs.get(ctx, r.host, hash, path)
}
