package syntax

// Notes are what a parse saw that may be a mistake. The parser knows the names of one source only, so
// who asks decides which of them are.
type Notes struct {
	Calls     []CallNote      // of functions by a name without a namespace
	Undefined []Use           // within functions: variables that neither the function nor a function's name before it defines
	Globals   map[string]bool // variables of the top level; true if constant
}

// Use is a name at a place.
type Use struct {
	Name string
	Pos  Pos
}

// CallNote is a call.
type CallNote struct {
	Use
	Args        int
	Variable    bool // a variable of that name is visible
	CallerScope bool // written with !
}

// ParseNotes is Parse, with notes for a check of the source. They are nil after an error.
func ParseNotes(src string, opts Options) (*Script, *Notes, error) {
	notes := &Notes{Globals: map[string]bool{}}
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
	if p.notes == nil || len(x.Namespace) > 0 {
		return
	}
	v := p.vars[x.Name] > 0
	p.notes.Calls = append(p.notes.Calls, CallNote{
		Use: Use{Name: x.Name, Pos: x.At}, Args: len(x.Args), Variable: v, CallerScope: x.CallerScope,
	})
}
