package syntax

import "slices"

// Notes are what a parse saw that may be a mistake. The parser knows the names of one source only, so
// who asks decides which of them are.
type Notes struct {
	Calls     []CallNote      // of functions by a name, with a namespace or without
	Members   []MemberNote    // properties and methods of what a chain begins with
	Undefined []Use           // variables that neither what is before them nor a function's name defines
	Paths     []Use           // modules that a variable is read of: Name is the module's
	Globals   map[string]bool // variables of the top level; true if constant
	Closures  []*FnDef
	Imports   map[string]bool // the names that imports have in the source

	// Values are, by the name of a variable, the types of all values that the source gives to
	// variables of that name, as type_of names them; "" stands for those that are not known, "+=" for that operator.
	Values map[string]map[string]bool
	// This tells that a function assigns to this as a whole, which changes the type of who knows which variable.
	This bool
}

// Use is a name at a place.
type Use struct {
	Name string
	Pos  Pos

	Function bool   // within the definition of a function
	Self     bool   // in a closure that is the value, or in the value, of the variable of that name
	Near     string // a visible variable with almost the same name, or ""
}

// CallNote is a call.
type CallNote struct {
	Use
	Namespace   []Name
	Args        int
	Variable    bool // a variable of that name is visible
	CallerScope bool // written with !
}

// MemberNote is a property or a method of a variable or of a literal.
type MemberNote struct {
	Use
	Variable string // "" for a literal
	Type     string // of the literal
	Method   bool
	Args     int
}

// ParseNotes is Parse, with notes for a check of the source. They are nil after an error.
func ParseNotes(src string, opts Options) (*Script, *Notes, error) {
	notes := &Notes{Globals: map[string]bool{}, Imports: map[string]bool{}, Values: map[string]map[string]bool{}}
	s, err := parse(src, opts, func(p *parser, s *Script) {
		p.notes = notes
		p.parseBody(s)
	})
	if err != nil {
		return nil, nil, err
	}
	return s, notes, nil
}

func (p *parser) noteCall(x *Call) {
	if p.notes == nil {
		return
	}
	n := CallNote{Use: Use{Name: x.Name, Pos: x.At}, Namespace: x.Namespace, Args: len(x.Args), CallerScope: x.CallerScope}
	n.Function = p.fnDepth > 0
	n.Variable = len(x.Namespace) == 0 && p.vars[x.Name] > 0
	n.Self = !n.Variable && p.state.closure && slices.Contains(p.defining, x.Name)
	p.notes.Calls = append(p.notes.Calls, n)
}

// maxGuesses bounds the unknown names of a source for which a similar one is looked for.
const maxGuesses = 1000

// near is a visible variable with almost the same name, or "".
func (p *parser) near(name string) string {
	if p.guesses++; p.guesses > maxGuesses {
		return ""
	}
	best, found := 3, ""
	for i := len(p.stack) - 1; i >= max(int(p.state.base), len(p.stack)-300); i-- {
		if d, ok := Alike(name, p.stack[i].name); ok && d < best {
			best, found = d, p.stack[i].name
		}
	}
	return found
}

// noteMember notes the first property or method after a variable or a literal.
func (p *parser) noteMember(root Expr, link *Link) {
	if p.notes == nil || link.Optional || link.Kind == LinkIndex {
		return
	}
	n := MemberNote{Use: Use{Name: link.Name, Pos: link.NamePos}, Method: link.Kind == LinkMethod, Args: len(link.Args)}
	if v, ok := root.(*Variable); ok && len(v.Namespace) == 0 {
		n.Variable = v.Name
	} else if n.Type = valueType(root); n.Type == "" {
		return
	}
	p.notes.Members = append(p.notes.Members, n)
}

// noteValue notes that a variable gets a value; nil is one that is not known.
func (p *parser) noteValue(name string, x Expr) {
	if p.notes != nil {
		p.noteType(name, valueType(x))
	}
}

func (p *parser) noteType(name, typ string) {
	if p.notes.Values[name] == nil {
		p.notes.Values[name] = map[string]bool{}
	}
	p.notes.Values[name][typ] = true
}

// noteAssign notes what an assignment gives.
func (p *parser) noteAssign(target Expr, op Token, x Expr) {
	if p.notes == nil {
		return
	}
	switch t := target.(type) {
	case *This:
		p.notes.This = true
	case *Variable:
		switch op {
		case Assign:
			p.noteValue(t.Name, x)
		case PlusAssign:
			p.noteType(t.Name, "+=")
		default:
			p.noteType(t.Name, "")
		}
	}
}

// valueType is the type of an expression if it is plain to see, or "".
func valueType(x Expr) string {
	switch x.(type) {
	case *BoolLit:
		return "bool"
	case *IntLit:
		return "i64"
	case *FloatLit:
		return "f64"
	case *CharLit:
		return "char"
	case *StringLit, *Interpolation:
		return "string"
	case *ArrayLit:
		return "array"
	case *MapLit:
		return "map"
	case *Closure:
		return "Fn"
	}
	return ""
}
