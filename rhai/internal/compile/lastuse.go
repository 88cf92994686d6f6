package compile

import "github.com/picloud/picloud/rhai/syntax"

// lastUses finds the arguments of a script call that are the last use of a
// local variable, which then moves instead of being shared: what the callee
// changes need not be copied first. In `x = f(x)` that is x (target); in a call that ends the function
// (target empty) it is every local. A variable that a handler could still see does not move.
func (c *fn) lastUses(call *syntax.Call, target string) {
	if c.tries > 0 || c.facts.dynamic || c.fragment || len(call.Namespace) > 0 {
		return
	}
	if _, ok := c.fns[fnKey{call.Name, len(call.Args)}]; !ok {
		return
	}
	for i, arg := range call.Args {
		v, ok := arg.(*syntax.Variable)
		if !ok || (target != "" && v.Name != target) {
			continue
		}
		if _, ok := c.plain(v); !ok || c.isConst(v) || mentioned(call.Args, i, v.Name) {
			continue
		}
		if c.takes == nil {
			c.takes = map[*syntax.Variable]bool{}
		}
		c.takes[v] = true
	}
}

// mentioned reports whether a name occurs in the arguments other than number i.
func mentioned(args []syntax.Expr, i int, name string) bool {
	for j, arg := range args {
		if j == i {
			continue
		}
		w := newWalker()
		w.expr(arg)
		for _, f := range w.free {
			if f == name {
				return true
			}
		}
	}
	return false
}
