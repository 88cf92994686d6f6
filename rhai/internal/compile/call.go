package compile

import (
	"fmt"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// special names the functions that are part of the language, by arity range.
var special = map[string][2]int{
	"Fn":         {1, 1},
	"call":       {1, 255},
	"curry":      {2, 255},
	"is_shared":  {1, 1},
	"is_def_var": {1, 1},
	"is_def_fn":  {2, 3},
	"type_of":    {1, 1},
}

// call evaluates f(…), ns::f(…) or f!(…).
func (c *fn) call(x *syntax.Call, dst int) {
	n := len(x.Args)
	if n > 200 {
		panic(failure{fmt.Errorf("a call has %d arguments; the most is 200", n)})
	}
	if len(x.Namespace) == 0 {
		if x.Name == "eval" && n == 1 {
			c.eval(x, dst)
			return
		}
		if x.CallerScope && x.Name == "call" && n > 0 {
			c.callerScope(x, dst)
			return
		}
		if r, ok := special[x.Name]; ok && n >= r[0] && n <= r[1] {
			if _, own := c.fns[fnKey{x.Name, n}]; !own {
				c.specialCall(x, dst)
				return
			}
		}
		if x.CallerScope {
			c.callerScope(x, dst)
			return
		}
		if i, ok := c.fns[fnKey{x.Name, n}]; ok {
			a := c.base(dst, n)
			c.scriptArgs(x.Args, a)
			if c.MaxVariables > 0 && n > c.MaxVariables {
				c.fail("ErrorTooManyVariables", "", x.At)
			}
			op := bytecode.Call
			if c.Funcs[i].UsesThis || c.Funcs[i].Empty || c.General {
				op = bytecode.CallFn
			}
			c.emit(op, a, 0, 0, int32(i), x.At)
			c.move(dst, a, x.At)
			return
		}
	}
	c.nativeCall(x, dst)
}

func (c *fn) callSite(name string, args []syntax.Expr, pos syntax.Pos) bytecode.CallSite {
	s := bytecode.CallSite{Name: name, Args: len(args), Pos: pos}
	for i, a := range args {
		s.ArgPos = append(s.ArgPos, startPos(a))
		if i < 64 && lent(a) {
			s.Lent |= 1 << i
		}
	}
	return s
}

// methodSite is callSite of a method, whose errors about arguments name the place of the operator where there is one.
func (c *fn) methodSite(l *syntax.Link) bytecode.CallSite {
	s := c.callSite(l.Name, l.Args, l.NamePos)
	for i, a := range l.Args {
		s.ArgPos[i] = a.Pos()
	}
	return s
}

func (c *fn) addSite(s bytecode.CallSite) int32 {
	c.Calls = append(c.Calls, s)
	return int32(len(c.Calls) - 1)
}

// lent reports whether the value of x may also be held elsewhere.
func lent(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Variable, *syntax.This, *syntax.Chain, *syntax.StmtExpr, *syntax.Logical:
		return true
	case *syntax.ArrayLit, *syntax.MapLit:
		return syntax.IsConstant(x)
	}
	return false
}

// args evaluates arguments into registers from a on; they are borrowed where nothing can
// change them before the call.
func (c *fn) args(list []syntax.Expr, a int) {
	for i, x := range list {
		c.expr(x, a+i, !allSimple(list[i+1:]))
	}
}

// scriptArgs evaluates the arguments of a call f(…) of a script's function into registers from a on. A variable that is
// the first of them is read last, as where it is passed by place: what the others do to it shows. So is `this`, but
// where there is none the call fails at once.
func (c *fn) scriptArgs(list []syntax.Expr, a int) {
	if len(list) == 0 {
		return
	}
	_, variable := list[0].(*syntax.Variable)
	_, this := list[0].(*syntax.This)
	if !variable {
		c.expr(list[0], a, true)
	}
	for i, x := range list[1:] {
		c.expr(x, a+1+i, true)
	}
	if variable || this && !allSimple(list[1:]) {
		c.expr(list[0], a, true)
	}
}

// nativeCall calls by name. A variable as first argument is passed by place.
func (c *fn) nativeCall(x *syntax.Call, dst int) {
	n := len(x.Args)
	site := c.callSite(x.Name, x.Args, x.At)
	for _, ns := range x.Namespace {
		site.Namespace = append(site.Namespace, ns.Name)
	}
	site.NSPos = x.Start()
	a := c.base(dst, n)
	defer c.move(dst, a, x.At)
	if n > 0 {
		if r, ok := c.plain(x.Args[0]); ok && !c.isConst(x.Args[0]) && !c.General {
			c.args(x.Args[1:], a+1)
			c.emit(bytecode.CallV, a, r, n, c.addSite(site), x.At)
			return
		}
		if c.byPlace(x.Args[0]) {
			c.args(x.Args[1:], a+1)
			c.place(x.Args[0], -1)
			c.emit(bytecode.CallP, a, 0, n, c.addSite(site), x.At)
			return
		}
	}
	if n > 0 {
		if v, ok := x.Args[0].(*syntax.Variable); ok { // read last, see scriptArgs
			c.args(x.Args[1:], a+1)
			c.expr(v, a, false)
			c.emit(bytecode.CallN, a, 0, n, c.addSite(site), x.At)
			return
		}
	}
	c.args(x.Args, a)
	c.emit(bytecode.CallN, a, 0, n, c.addSite(site), x.At)
}

func (c *fn) isConst(x syntax.Expr) bool {
	v, ok := x.(*syntax.Variable)
	if !ok {
		return false
	}
	d := c.lookup(v.Name)
	return d != nil && d.constant
}

// byPlace reports whether a first argument is passed by place: `this`, and
// variables that are not constant. One that a closure has captured by then is passed as a copy; the machine sees to that.
func (c *fn) byPlace(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.This:
		return true
	case *syntax.Variable:
		if len(x.Namespace) > 0 {
			return false
		}
		v := c.lookup(x.Name)
		if c.dynamic(v) {
			return v != nil // the machine passes a copy if the latest of the name is constant
		}
		if v != nil && v.outer {
			if _, ok := c.byName[x.Name]; ok {
				return false
			}
		}
		return v != nil && !v.constant
	}
	return false
}

func (c *fn) specialCall(x *syntax.Call, dst int) {
	n := len(x.Args)
	site := c.callSite(x.Name, x.Args, x.At)
	if x.Name == "is_def_var" {
		site.Caller = c.evalSite(x.At, x.At)
	}
	if x.Name == "is_shared" {
		if v, ok := x.Args[0].(*syntax.Variable); ok && len(v.Namespace) == 0 {
			if d := c.lookup(v.Name); d != nil && !d.outer {
				if !d.slot.Cell {
					c.emit(bytecode.LoadBool, dst, 0, 0, 0, x.At)
					return
				}
				a := c.base(dst, 1)
				c.place(v, -1)
				c.emit(bytecode.MethodP, a, 0, 0, c.addSite(c.callSite(x.Name, nil, x.At)), x.At)
				c.move(dst, a, x.At)
				return
			}
		}
	}
	a := c.base(dst, n)
	for i, arg := range x.Args {
		c.expr(arg, a+i, true)
	}
	c.emit(bytecode.Special, a, 0, n, c.addSite(site), x.At)
	c.move(dst, a, x.At)
}

// evalSite describes what is visible here to code compiled later.
func (c *fn) evalSite(pos, argPos syntax.Pos) *bytecode.EvalSite {
	if c.visible += len(c.vars) + len(c.outer); c.visible > maxVisible {
		panic(failure{fmt.Errorf("too many variables are visible to eval and f!() in too many places")})
	}
	s := &bytecode.EvalSite{Pos: pos, ArgPos: argPos, Top: c.main && c.depth == 1, Block: c.inner || c.depth > 1}
	add := func(v *variable) {
		s.Vars = append(s.Vars, bytecode.EvalVar{Name: v.name, Slot: v.slot, Const: v.constant, Outer: v.outer})
	}
	if c.main {
		for i := range c.outer {
			add(&c.outer[i])
		}
	}
	for i := range c.vars {
		add(&c.vars[i])
	}
	return s
}

func (c *fn) eval(x *syntax.Call, dst int) {
	a := c.base(dst, 1)
	c.expr(x.Args[0], a, true)
	s := c.evalSite(x.At, startPos(x.Args[0]))
	s.Base, s.Far = c.next, c.far
	c.Evals = append(c.Evals, s)
	c.emit(bytecode.Eval, a, 0, 0, int32(len(c.Evals)-1), x.Args[0].Start())
	c.evals++
	c.move(dst, a, x.At)
}

// callerScope calls a script function that runs in the caller's scope.
func (c *fn) callerScope(x *syntax.Call, dst int) {
	n := len(x.Args)
	a := c.base(dst, n)
	for i, arg := range x.Args {
		c.expr(arg, a+i, true)
	}
	site := c.callSite(x.Name, x.Args, x.At)
	site.Caller = c.evalSite(x.At, x.At)
	site.Caller.Base, site.Caller.Far = c.next, c.far
	c.emit(bytecode.CallerFn, a, 0, n, c.addSite(site), x.At)
	c.move(dst, a, x.At)
}

// startPos is where the reference says that an expression starts: an operator's is its own place.
func startPos(x syntax.Expr) syntax.Pos {
	switch x := x.(type) {
	case *syntax.Binary:
		return x.At
	case *syntax.Call:
		return x.At
	case *syntax.Logical:
		return startPos(x.X)
	case *syntax.Chain:
		return startPos(x.Root)
	}
	return x.Start()
}
