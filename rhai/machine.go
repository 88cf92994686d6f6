package rhai

import (
	"context"
	"math"
)

// machine is the state of one run.
type machine struct {
	budget    int64 // operations left in the current slice
	used      int64 // memory: live at the last census + allocated since
	maxMemory int64
	limits    Limits
	ctx       context.Context
	eng       *Engine
}

func (vm *machine) context() context.Context {
	if vm.ctx == nil {
		return context.Background()
	}
	return vm.ctx
}

// unlimited stands for no memory limit.
const unlimited = math.MaxInt64 / 4

func (vm *machine) refill() error { return newError(ErrTooManyOperations, "") }

func (vm *machine) census(request int64) error { return newError(ErrMemory, "") }
func (vm *machine) invoke(fn Value, this *Value, args []Value, pos Position) (Value, error) {
	return Value{}, newError(ErrSystem, "not linked")
}
func (vm *machine) invokeExtra(caller string, fn Value, this *Value, args, extras []Value, move int, pos Position) (Value, error) {
	return Value{}, newError(ErrSystem, "not linked")
}

type funcProto struct{}
type environment struct{}
