package rhai

import (
	"context"
	"errors"
)

// ended reports whether the context being watched has ended. A machine that only prints or converts has no flag.
func (vm *machine) ended() bool { return vm.cancelled != nil && vm.cancelled.Load() }

// poll fails when the context being watched has ended. What works long after it was charged for looks now and then.
func (vm *machine) poll() error {
	if vm.ended() {
		return vm.terminated()
	}
	return nil
}

// pollEvery is how many steps a function of the library does between two looks.
const pollEvery = 1 << 12

// terminated is the error of a run whose context has ended. It wraps both the context's error and its cause.
func (vm *machine) terminated() *Error {
	e := newError(ErrTerminated, "")
	if vm.ctx != nil {
		if e.inner = vm.ctx.Err(); e.inner != nil {
			if cause := context.Cause(vm.ctx); cause != e.inner {
				e.inner = &endOfContext{e.inner, cause}
			}
		}
	}
	return e
}

// endOfContext is the error of a context that was ended with a cause of its own.
type endOfContext struct{ err, cause error }

func (e *endOfContext) Error() string   { return e.cause.Error() }
func (e *endOfContext) Unwrap() []error { return []error{e.err, e.cause} }

// nativeError is the error of a native as the machine goes on with it: what no script may catch stays that, however the native
// wraps it, and so does the end of the run's own context.
func (vm *machine) nativeError(err error) error {
	e, ok := err.(*Error)
	if ok && e.inner == nil && e.Kind != ErrTerminated {
		return err
	}
	if ok || errors.As(err, &e) {
		switch e.Kind {
		case ErrTerminated:
			if e.inner != nil {
				return e
			}
		case ErrParsing: // of another source, as a rule
		default:
			if !e.catchable() {
				return e
			}
		}
	}
	if ctx := vm.ctx; ctx != nil {
		if end := ctx.Err(); end != nil &&
			(e != nil && e.Kind == ErrTerminated || errors.Is(err, end) || errors.Is(err, context.Cause(ctx))) {
			return vm.terminated()
		}
	}
	return err
}

// watch makes the end of the context end the run, until unwatch.
func (vm *machine) watch(ctx context.Context) {
	vm.ctx = ctx
	if ctx == nil {
		return
	}
	if c, ok := ctx.(ender); ok {
		vm.ender = c
		c.NotifyEnd(vm.cancel)
		return
	}
	if ctx.Done() == nil {
		return
	}
	if ctx.Err() != nil {
		vm.cancelled.Store(true)
	}
	vm.forget = context.AfterFunc(ctx, vm.cancel)
}

// unwatch ends what watch began: the context does not end anything after it. One that has ended may
// tell of it only later, in a goroutine of its own, and keeps the flag that it knows.
func (vm *machine) unwatch() {
	quiet := true
	if vm.ender != nil {
		quiet = vm.ender.ForgetEnd()
	} else if vm.forget != nil {
		quiet = vm.forget()
	}
	vm.ender, vm.forget = nil, nil
	if !quiet {
		vm.renew()
	}
}
