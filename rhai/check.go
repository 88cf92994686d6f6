package rhai

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/picloud/picloud/rhai/syntax"
)

// Warning is something in a script that compiles and will fail when it is reached.
type Warning struct {
	Position Position
	Message  string // as the error will say
	Hint     string // what may help, or ""
}

// Variable is one that the scopes of an engine's runs bring. Type is that of its values, nil if it may be any.
type Variable struct {
	Name string
	Type *HostType
}

// WithVariables tells [Engine.Check] which variables the scopes of the runs bring, if any do, so that it can
// warn of others. It changes nothing else.
func WithVariables(vars ...Variable) Option {
	return func(e *Engine) {
		if e.variables == nil {
			e.variables = map[string]*HostType{}
		}
		for _, v := range vars {
			e.variables[v.Name] = v.Type
		}
	}
}

// Check compiles a source and looks for what is certain to fail when it is reached: calls of functions and uses of
// modules that neither the engine nor the script has, methods and properties that values of a known type lack, variables that
// a function cannot see and, with [WithVariables], those that nothing defines. What an eval, an import or the caller may
// bring is not warned of. The warnings are in order of their places.
// The error is that of [Engine.Compile].
func (e *Engine) Check(name, source string) ([]Warning, error) {
	if _, err := e.Compile(name, source); err != nil {
		return nil, err
	}
	return e.Warnings(source), nil
}

// Warnings is the second half of [Engine.Check], for a source that compiled.
func (e *Engine) Warnings(source string) []Warning {
	s, notes, err := syntax.ParseNotes(source, e.parseOptions())
	if err != nil {
		return nil
	}
	c := checker{eng: e, notes: notes, functions: map[string][]int{}}
	for _, f := range s.Functions {
		c.functions[f.Name] = append(c.functions[f.Name], len(f.Params))
	}
	for i := range notes.Calls {
		n := &notes.Calls[i]
		c.dynamic = c.dynamic || n.CallerScope || n.Name == "eval"
		c.asks = c.asks || n.Name == "is_def_var"
	}
	for i := range notes.Calls {
		c.call(&notes.Calls[i])
	}
	if !c.dynamic { // else what is visible depends on who calls, and on what is evaluated
		for i := range notes.Undefined {
			c.variable(&notes.Undefined[i])
		}
		for _, u := range notes.Paths {
			c.module(u)
		}
		for i := range notes.Members {
			c.member(&notes.Members[i])
		}
	}
	slices.SortStableFunc(c.warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Position.Line, b.Position.Line), cmp.Compare(a.Position.Col, b.Position.Col))
	})
	return c.warnings
}

type checker struct {
	eng       *Engine
	notes     *syntax.Notes
	functions map[string][]int // of the script: their numbers of parameters
	dynamic   bool
	asks      bool // whether variables are defined
	warnings  []Warning
	guesses   map[guessKey]string
	looks     int // at names, to guess
}

func (c *checker) warn(pos Position, message, hint string) {
	c.warnings = append(c.warnings, Warning{pos, message, hint})
}

// variable looks for what defines a variable.
func (c *checker) variable(u *syntax.Use) {
	if c.functions[u.Name] != nil {
		return
	}
	if _, known := c.eng.variables[u.Name]; !u.Function && (known || c.asks || c.eng.variables == nil) {
		return
	}
	hint := variableHint(c.notes, u)
	if hint == "" && !u.Function {
		for name := range c.eng.variables {
			if _, ok := syntax.Alike(u.Name, name); ok && (hint == "" || didYouMean(name) < hint) {
				hint = didYouMean(name)
			}
		}
	}
	if hint == "" && u.Function {
		hint = "a function sees its parameters and what it defines: pass " + u.Name + " as an argument"
	}
	c.warn(u.Pos, "Variable not found: "+u.Name, hint)
}

// module looks for the module of a name.
func (c *checker) module(u syntax.Use) bool {
	if u.Name == "global" || c.notes.Imports[u.Name] || c.eng.modules[u.Name] != nil {
		return true
	}
	hint, best := "", 3
	for name := range c.eng.modules {
		if d, ok := syntax.Alike(u.Name, name); ok && (d < best || d == best && "did you mean "+name+"?" < hint) {
			hint, best = "did you mean "+name+"?", d
		}
	}
	if hint == "" {
		hint = `modules come with import: import "` + u.Name + `" as ` + u.Name + ";"
	}
	c.warn(u.Pos, "Module not found: "+u.Name, hint)
	return false
}

// call looks for the function of a call.
func (c *checker) call(n *syntax.CallNote) {
	if len(n.Namespace) > 0 {
		if !c.dynamic {
			c.moduleCall(n)
		}
		return
	}
	switch n.Name {
	case "Fn", "call", "curry", "eval", "is_def_var", "is_def_fn", "is_shared", "type_of", "print", "debug":
		return
	}
	own := c.functions[n.Name]
	if slices.Contains(own, n.Args) || c.eng.overloads(n.Name, n.Args) != nil {
		return
	}
	message := "Function not found: " + n.Name + " with " + countOf(n.Args, "argument")
	switch {
	case n.Self:
		c.warn(n.Pos, message, selfHint(n.Name))
	case n.Variable && own == nil:
		c.warn(n.Pos, message, closureCall(n.Name))
	case own != nil:
		c.warn(n.Pos, message, n.Name+" has "+countOf(own[0], "parameter"))
	default:
		hint := takes(n.Name, c.eng.arities(n.Name))
		if hint == "" {
			hint = c.suggest(n.Name)
		}
		c.warn(n.Pos, message, hint)
	}
}

// moduleCall looks for a function in a module of the engine.
func (c *checker) moduleCall(n *syntax.CallNote) {
	if !c.module(syntax.Use{Name: n.Namespace[0].Name, Pos: n.Namespace[0].Pos}) || c.notes.Imports[n.Namespace[0].Name] {
		return
	}
	m := c.eng.modules[n.Namespace[0].Name]
	path := n.Namespace[0].Name
	for _, part := range n.Namespace[1:] {
		if m == nil {
			return
		}
		m, path = m.sub(part.Name), path+"::"+part.Name
	}
	if m == nil || m.funcs[fnKey{n.Name, n.Args}] != nil {
		return
	}
	var arities []int
	near, best := "", 3
	for k := range m.funcs {
		if k.name == n.Name {
			arities = append(arities, k.arity)
		}
		if d, ok := syntax.Alike(n.Name, k.name); ok && (d < best || d == best && k.name < near) {
			near, best = k.name, d
		}
	}
	slices.Sort(arities)
	hint := takes(n.Name, arities)
	if hint == "" && near != "" {
		hint = "did you mean " + path + "::" + near + "?"
	}
	c.warn(n.Pos, "Function not found: "+path+"::"+n.Name+" with "+countOf(n.Args, "argument"), hint)
}

// takes says with how many arguments a function can be called, or is "" if it is never.
func takes(name string, arities []int) string {
	if len(arities) == 0 {
		return ""
	}
	text := name + " takes " + countOf(arities[0], "argument")
	for _, a := range arities[1:] {
		text += ", or " + strconv.Itoa(a)
	}
	return text
}

func countOf(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// arities are the numbers of parameters with which the engine has a function.
func (e *Engine) arities(name string) []int {
	var list []int
	for n := range 20 {
		if e.overloads(name, n) != nil {
			list = append(list, n)
		}
	}
	return list
}
