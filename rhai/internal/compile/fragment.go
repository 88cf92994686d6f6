package compile

import (
	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

// Fragment compiles code that runs in the frame of another function: the text
// of an eval, or the body of a function called with `!`. Params are the
// names of registers from base on; for eval there are none.
func Fragment(stmts []syntax.Stmt, name, source string, site *bytecode.EvalSite, params []syntax.Name, base int, o Options) (u *bytecode.Unit, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.err
		}
	}()
	c := newUnit(source, o)
	c.fragment = true
	f := &bytecode.Func{Name: name, Fragment: true, UsesThis: true, Cost: 1}
	c.Body = f
	fc := &fn{
		unit: c, f: f, facts: analyze(params, stmts), next: site.Base, far: site.Far, evals: 1,
		top: params == nil && site.Top, inner: site.Block,
	}
	fc.facts.dynamic = true
	c.Nodes = fc.facts.total
	for _, n := range fc.facts.nodes {
		c.Nodes += n
	}
	f.NRegs, f.NFar = site.Base, site.Far
	for _, v := range site.Vars {
		fc.push(variable{name: v.Name, slot: v.Slot, constant: v.Const, outer: v.Outer})
	}
	fc.site, fc.frame = len(fc.vars), len(fc.vars)
	if params != nil {
		f.Cost = 1 + int64(fc.facts.total)/8 // as a call of it; an eval is charged by the length of its text
		fc.depth = 1                         // what the function defines ends with it
		for i := range params {
			p := &params[i]
			slot := bytecode.Slot{Reg: int32(base + i), Cell: fc.facts.captured[p]}
			if slot.Cell {
				fc.emit(bytecode.NewCell, int(slot.Reg), 0, 0, 0, p.Pos)
			}
			fc.push(variable{name: p.Name, slot: slot, evals: 1})
		}
	}
	fc.tail(stmts, -1)
	f.NestHandlers()
	for _, f := range c.Funcs {
		f.NestHandlers()
	}
	return c.Unit, nil
}
