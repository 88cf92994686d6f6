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

// Check compiles a source and looks for what is certain to fail when it is reached: calls of functions that neither
// the engine nor the script has, and variables that a function cannot see. They are in order of their places.
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
	}
	for i := range notes.Calls {
		c.call(&notes.Calls[i])
	}
	if !c.dynamic { // else what a function sees depends on who calls it
		for _, u := range notes.Undefined {
			if c.functions[u.Name] == nil {
				hint := hiddenVariable(notes, u.Name)
				if hint == "" {
					hint = "a function sees its parameters and what it defines: pass " + u.Name + " as an argument"
				}
				c.warn(u.Pos, "Variable not found: "+u.Name, hint)
			}
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
	warnings  []Warning
}

func (c *checker) warn(pos Position, message, hint string) {
	c.warnings = append(c.warnings, Warning{pos, message, hint})
}

// call looks for the function of a call.
func (c *checker) call(n *syntax.CallNote) {
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
	case n.Variable && own == nil:
		c.warn(n.Pos, message, closureCall(n.Name))
	case own != nil:
		c.warn(n.Pos, message, n.Name+" has "+countOf(own[0], "parameter"))
	default:
		hint := ""
		if arities := c.eng.arities(n.Name); len(arities) > 0 {
			hint = n.Name + " takes " + countOf(arities[0], "argument")
			for _, a := range arities[1:] {
				hint += ", or " + strconv.Itoa(a)
			}
		} else if near := c.near(n.Name); near != "" {
			hint = "did you mean " + near + "?"
		}
		c.warn(n.Pos, message, hint)
	}
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

// near finds the function whose name is most like a name.
func (c *checker) near(name string) string {
	best, distance := "", 3
	try := func(s string) {
		if !syntax.IsIdentifier(s) {
			return
		}
		if d := editDistance(name, s); d < distance && d < len(name)/2+1 || d == distance && s < best {
			best, distance = s, d
		}
	}
	for s := range c.functions {
		try(s)
	}
	for k := range c.eng.funcs {
		try(k.name)
	}
	for k := range coreRegistry() {
		try(k.name)
	}
	return best
}

// editDistance is the number of characters to insert, delete, replace or exchange that makes b of a; more than 2 is 3.
func editDistance(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 || len(a) > 60 {
		return 3
	}
	var d [61][64]int // of the beginnings of a and b
	for i := range len(a) + 1 {
		d[i][0] = i
	}
	for j := range len(b) + 1 {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d[i][j] = d[i-1][j-1]
			if a[i-1] != b[j-1] {
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return min(3, d[len(a)][len(b)])
}
