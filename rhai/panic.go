package rhai

import (
	"fmt"
	"runtime/debug"
)

// border ends what a run answers: its error knows the engine, for hints, and border makes a panic of a host function an error of the run: with the function, the place of the call and the script's calls
// around it.
func border(vm *machine, err *error) {
	r := recover()
	if r == nil {
		if e, ok := (*err).(*Error); ok {
			e.eng = vm.eng
		}
		return
	}
	e := &Error{Kind: ErrSystem, inner: &PanicError{Value: r, Stack: debug.Stack()}}
	if vm.ncalls > 0 {
		c := vm.calls[vm.ncalls-1]
		e.subject, e.Position = "panic in function '"+c.native.Name+"'", c.pos
	} else {
		e.subject = "panic in the engine"
	}
	e.Trace = vm.traceback()
	if e.Position == (Position{}) {
		e.Position = vm.pos()
	}
	vm.broken = true
	*err = e
}

// traceback lists the script calls in progress, innermost first.
func (vm *machine) traceback() []CallSite {
	var calls []CallSite
	fn := vm.fn
	for i := min(vm.fp, len(vm.frames)) - 1; i >= 0 && fn != nil; i-- {
		caller := &vm.frames[i]
		if fn != fn.prog.body || fn.f.Fragment {
			c := CallSite{Function: fn.f.Name, Position: vm.posAt(caller.fn, int(caller.pc)-1)}
			if caller.fn == nil || caller.fn.prog != fn.prog {
				c.Source = fn.prog.name
			}
			calls = append(calls, c)
		}
		fn = caller.fn
	}
	return calls
}

// PanicError is the cause of an error of kind ErrSystem after a panic in a host function. Its
// text has no stack, which is for the host's own log: get it with errors.As.
type PanicError struct {
	Value any
	Stack []byte
}

// Error is the text of the panic's value.
func (e *PanicError) Error() string { return fmt.Sprint(e.Value) }

// Unwrap is the panic's value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
