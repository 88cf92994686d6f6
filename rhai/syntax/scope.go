package syntax

import "slices"

// variable is one that the parser knows to exist where it stands.
type variable struct {
	name     string
	prev     int32 // 1 + index of the variable that this one hides
	constant bool
	exported bool
}

// fnState is the part of the parser's state that belongs to one function, to
// one closure or to the script's body.
type fnState struct {
	base    int32 // the function's first variable in the stack
	frame   int32 // the current block's first variable
	closure bool
	names   []Name          // variables from outside, in the order of mention
	mention map[string]bool // the same as a set, once there are many
}

// push makes a variable visible.
func (p *parser) push(name string, constant bool) {
	p.stack = append(p.stack, variable{name: name, prev: p.vars[name], constant: constant})
	p.vars[name] = int32(len(p.stack))
}

// rewind takes variables away until n are left.
func (p *parser) rewind(n int) {
	for i := len(p.stack) - 1; i >= n; i-- {
		v := &p.stack[i]
		if v.prev == 0 {
			delete(p.vars, v.name)
		} else {
			p.vars[v.name] = v.prev
		}
	}
	p.stack = p.stack[:n]
}

// find returns the innermost variable of a name in the current function, or nil.
func (p *parser) find(name string) (v *variable, index int32) {
	i := p.vars[name] - 1
	if i < p.state.base {
		return nil, -1
	}
	return &p.stack[i], i
}

// mention notes that a variable is used; a closure captures those it does not
// define, unless a function of that name was defined before.
func (p *parser) mention(name string, pos Pos) {
	st := &p.state
	if !st.closure && !p.opts.Strict && p.notes == nil || p.fnNames[name] {
		return
	}
	if v, _ := p.find(name); v != nil {
		return
	}
	if !st.closure {
		p.undefined(name, pos)
		return
	}
	if p.notes != nil && slices.Contains(p.defining, name) {
		if p.selfUses == nil {
			p.selfUses = map[Pos]bool{}
		}
		p.selfUses[pos] = true
	}
	if st.mention == nil {
		for i := range st.names {
			if st.names[i].Name == name {
				return
			}
		}
		if len(st.names) == 8 {
			st.mention = map[string]bool{}
			for i := range st.names {
				st.mention[st.names[i].Name] = true
			}
		}
	}
	if st.mention != nil {
		if st.mention[name] {
			return
		}
		st.mention[name] = true
	}
	st.names = append(st.names, Name{Name: name, Pos: pos})
}

// undefined deals with a variable that nothing before it defines.
func (p *parser) undefined(name string, pos Pos) {
	if p.opts.Strict && (p.opts.Known == nil || !p.opts.Known(name)) {
		p.fail(VariableUndefined, "Undefined variable: "+name, pos)
	}
	if p.notes != nil {
		p.notes.Undefined = append(p.notes.Undefined, Use{
			Name: name, Pos: pos, Function: p.fnDepth > 0, Self: p.selfUses[pos], Near: p.near(name),
		})
	}
}

// checkModule fails, with Language.Strict, if a namespace begins with the name of no module.
func (p *parser) checkModule(namespace []Name) {
	if !p.opts.Strict || len(namespace) == 0 {
		return
	}
	root := namespace[0]
	if root.Name == "global" || slices.Contains(p.imports, root.Name) || p.opts.Module != nil && p.opts.Module(root.Name) {
		return
	}
	p.fail(ModuleUndefined, "Undefined module: "+root.Name, root.Pos)
}

// enter begins a function and returns the state to give to leave.
func (p *parser) enter(closure bool) fnState {
	saved := p.state
	n := int32(len(p.stack))
	p.state = fnState{base: n, frame: n, closure: closure}
	return saved
}

func (p *parser) leave(saved fnState) {
	p.rewind(int(p.state.base))
	p.state = saved
}
