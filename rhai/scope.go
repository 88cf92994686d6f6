package rhai

// Scope holds the variables a run starts with, and after the run also those
// its top level defined. A name may occur twice; the later one counts.
// A Scope must not be used by two runs at once.
type Scope struct {
	vars []scopeVar
}

type scopeVar struct {
	name     string
	value    Value
	constant bool
}

// NewScope returns an empty scope.
func NewScope() *Scope { return &Scope{} }

// Push adds a variable and returns the scope.
func (s *Scope) Push(name string, v Value) *Scope {
	s.vars = append(s.vars, scopeVar{name, share(v), false})
	return s
}

// PushConst adds a constant and returns the scope.
func (s *Scope) PushConst(name string, v Value) *Scope {
	s.vars = append(s.vars, scopeVar{name, share(v), true})
	return s
}

// Set changes the variable, or adds it.
func (s *Scope) Set(name string, v Value) *Scope {
	if i := s.find(name); i >= 0 {
		s.vars[i].value = share(v)
		return s
	}
	return s.Push(name, v)
}

// Get returns the value of the variable.
func (s *Scope) Get(name string) (Value, bool) {
	if i := s.find(name); i >= 0 {
		return share(s.vars[i].value), true
	}
	return Value{}, false
}

// IsConst reports whether the variable exists and is a constant.
func (s *Scope) IsConst(name string) bool {
	i := s.find(name)
	return i >= 0 && s.vars[i].constant
}

// Len is the number of variables.
func (s *Scope) Len() int { return len(s.vars) }

// Rewind forgets the variables beyond the first n.
func (s *Scope) Rewind(n int) {
	if n < len(s.vars) {
		clear(s.vars[n:])
		s.vars = s.vars[:n]
	}
}

// Each calls yield for the variables in order of their definition.
func (s *Scope) Each(yield func(name string, v Value, constant bool) bool) {
	for _, v := range s.vars {
		if !yield(v.name, share(v.value), v.constant) {
			return
		}
	}
}

func (s *Scope) find(name string) int {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if s.vars[i].name == name {
			return i
		}
	}
	return -1
}
