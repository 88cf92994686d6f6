package compile

import "github.com/picloud/picloud/rhai/syntax"

// facts are what one walk over a function's body finds out before code is made.
type facts struct {
	captured map[*syntax.Name]bool // declarations that a closure captures
	outer    map[string]bool       // names captured from outside the body
	free     []string              // names used without a declaration in scope, in order
	nodes    map[syntax.Node]int   // loops: nodes of the body without nested loops
	total    int                   // nodes of the body without nested loops
	this     bool
	dynamic  bool // contains eval or f!()
	global   bool // mentions global::
	imports  bool
	closures []*syntax.Closure // those of the body itself, not those within them
}

type declared struct {
	name  string
	decl  *syntax.Name
	hides int32 // 1 + index of the declaration that this one hides
}

// walker finds the facts of one function.
type walker struct {
	*facts
	scope []declared
	index map[string]int32 // 1 + index of the innermost declaration of a name
	freed map[string]bool  // free as a set
	count *int
}

func analyze(params []syntax.Name, body []syntax.Stmt) *facts {
	w := newWalker()
	for i := range params {
		w.declare(&params[i])
	}
	w.stmts(body)
	return w.facts
}

func newWalker() *walker {
	f := &facts{
		captured: map[*syntax.Name]bool{},
		outer:    map[string]bool{},
		nodes:    map[syntax.Node]int{},
	}
	return &walker{facts: f, count: &f.total, index: map[string]int32{}, freed: map[string]bool{}}
}

func (w *walker) declare(n *syntax.Name) {
	w.scope = append(w.scope, declared{n.Name, n, w.index[n.Name]})
	w.index[n.Name] = int32(len(w.scope))
}

// cut ends the scope of all declarations but the first n.
func (w *walker) cut(n int) {
	for i := len(w.scope) - 1; i >= n; i-- {
		w.index[w.scope[i].name] = w.scope[i].hides
	}
	w.scope = w.scope[:n]
}

func (w *walker) stmts(list []syntax.Stmt) {
	for _, s := range list {
		w.stmt(s)
	}
}

func (w *walker) block(b *syntax.Block) {
	if b == nil {
		return
	}
	n := len(w.scope)
	w.stmts(b.Stmts)
	w.cut(n)
}

// loop counts what visit meets towards a loop of its own.
func (w *walker) loop(s syntax.Node, visit func()) {
	n, outer, depth := 0, w.count, len(w.scope)
	w.count = &n
	visit()
	w.count = outer
	w.cut(depth)
	w.nodes[s] = n
}

func (w *walker) stmt(s syntax.Stmt) {
	*w.count++
	switch s := s.(type) {
	case *syntax.Block:
		w.block(s)
	case *syntax.ExprStmt:
		w.expr(s.X)
	case *syntax.VarStmt:
		if s.Value != nil {
			w.expr(s.Value)
		}
		w.declare(&s.Name)
	case *syntax.AssignStmt:
		w.expr(s.Value)
		w.expr(s.Target)
	case *syntax.IfStmt:
		w.expr(s.Cond)
		w.block(s.Then)
		if s.Else != nil {
			w.stmt(s.Else)
		}
	case *syntax.WhileStmt:
		w.loop(s, func() {
			if s.Cond != nil {
				w.expr(s.Cond)
			}
			w.block(s.Body)
		})
	case *syntax.DoStmt:
		w.loop(s, func() {
			w.block(s.Body)
			w.expr(s.Cond)
		})
	case *syntax.ForStmt:
		w.expr(s.Iter)
		w.loop(s, func() {
			if s.Counter != nil {
				w.declare(s.Counter)
			}
			w.declare(&s.Var)
			w.block(s.Body)
		})
	case *syntax.SwitchStmt:
		w.expr(s.X)
		for i := range s.Arms {
			if s.Arms[i].Cond != nil {
				w.expr(s.Arms[i].Cond)
			}
			n := len(w.scope)
			w.stmt(s.Arms[i].Body)
			w.cut(n)
		}
	case *syntax.BreakStmt:
		w.optional(s.Value)
	case *syntax.ReturnStmt:
		w.optional(s.Value)
	case *syntax.ThrowStmt:
		w.optional(s.Value)
	case *syntax.TryStmt:
		w.block(s.Body)
		n := len(w.scope)
		if s.Var != nil {
			w.declare(s.Var)
		}
		w.block(s.Catch)
		w.cut(n)
	case *syntax.ImportStmt:
		w.imports = true
		w.expr(s.Path)
	case *syntax.ExportStmt:
		w.use(s.Name.Name)
	}
}

func (w *walker) optional(x syntax.Expr) {
	if x != nil {
		w.expr(x)
	}
}

func (w *walker) exprs(list []syntax.Expr) {
	for _, x := range list {
		w.expr(x)
	}
}

func (w *walker) expr(x syntax.Expr) {
	*w.count++
	switch x := x.(type) {
	case *syntax.Interpolation:
		w.exprs(x.Segments)
	case *syntax.ArrayLit:
		w.exprs(x.Items)
	case *syntax.MapLit:
		for i := range x.Entries {
			w.expr(x.Entries[i].Value)
		}
	case *syntax.Variable:
		if len(x.Namespace) == 0 {
			w.use(x.Name)
		} else if len(x.Namespace) == 1 && x.Namespace[0].Name == "global" {
			w.global = true
		}
	case *syntax.This:
		w.this = true
	case *syntax.Call:
		if x.CallerScope || (x.Name == "eval" && len(x.Namespace) == 0) {
			w.dynamic, w.this, w.global = true, true, true
		}
		w.exprs(x.Args)
	case *syntax.Unary:
		w.expr(x.X)
	case *syntax.Binary:
		w.expr(x.X)
		w.expr(x.Y)
	case *syntax.Logical:
		w.expr(x.X)
		w.expr(x.Y)
	case *syntax.Chain:
		w.expr(x.Root)
		for i := range x.Links {
			*w.count++
			w.optional(x.Links[i].Index)
			w.exprs(x.Links[i].Args)
		}
	case *syntax.Closure:
		w.closures = append(w.closures, x)
		for i := range x.Captures {
			w.capture(x.Captures[i].Name)
		}
	case *syntax.StmtExpr:
		n := len(w.scope)
		w.stmt(x.Stmt)
		w.cut(n)
	}
}

func (w *walker) capture(name string) {
	if i := w.index[name]; i > 0 {
		w.captured[w.scope[i-1].decl] = true
		return
	}
	w.outer[name] = true
	w.use(name)
}

func (w *walker) use(name string) {
	if w.index[name] == 0 && !w.freed[name] {
		w.freed[name] = true
		w.free = append(w.free, name)
	}
}

// simple reports whether evaluating x can change no variable and no container.
func simple(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.UnitLit, *syntax.BoolLit, *syntax.IntLit, *syntax.FloatLit, *syntax.CharLit,
		*syntax.StringLit, *syntax.Variable, *syntax.This, *syntax.Closure:
		return true
	case *syntax.Unary:
		return simple(x.X)
	case *syntax.Binary:
		return simple(x.X) && simple(x.Y)
	case *syntax.Logical:
		return simple(x.X) && simple(x.Y)
	case *syntax.ArrayLit:
		for _, e := range x.Items {
			if !simple(e) {
				return false
			}
		}
		return true
	case *syntax.Interpolation:
		for _, e := range x.Segments {
			if s, ok := e.(*syntax.StmtExpr); ok {
				if e = single(s.Stmt); e == nil {
					return false
				}
			}
			if !simple(e) {
				return false
			}
		}
		return true
	case *syntax.Chain:
		if !simple(x.Root) {
			return false
		}
		for i := range x.Links {
			if x.Links[i].Kind == syntax.LinkMethod {
				return false
			}
			if x.Links[i].Index != nil && !simple(x.Links[i].Index) {
				return false
			}
		}
		return true
	}
	return false
}

func allSimple(list []syntax.Expr) bool {
	for _, x := range list {
		if !simple(x) {
			return false
		}
	}
	return true
}

// single returns the expression of a block that consists of it, else nil.
func single(s syntax.Stmt) syntax.Expr {
	b, ok := s.(*syntax.Block)
	if !ok || len(b.Stmts) != 1 {
		return nil
	}
	if e, ok := b.Stmts[0].(*syntax.ExprStmt); ok {
		return e.X
	}
	return nil
}

// mentionsGlobal reports whether one of the closures, or one within them, has
// a use of global::.
func mentionsGlobal(closures []*syntax.Closure) bool {
	for _, x := range closures {
		if f := analyze(nil, x.Fn.Body.Stmts); f.global || mentionsGlobal(f.closures) {
			return true
		}
	}
	return false
}
