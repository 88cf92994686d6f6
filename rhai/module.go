package rhai

// Module is a named set of native functions and constants that scripts reach
// as `name::item`. It must not change after the engine's first Compile.
type Module struct {
	name  string
	doc   string
	funcs registry
	order []*Native
	vars  []moduleVar
	subs  []*Module
}

type moduleVar struct {
	Name, Doc string
	Value     Value
}

// NewModule returns an empty module. A name matters to [Engine.RegisterModule] and [Module.Sub]; who imports a module that a
// [Resolver] found names it.
func NewModule(name string) *Module { return &Module{name: name, funcs: registry{}} }

// Name is how scripts call the module.
func (m *Module) Name() string { return m.name }

// Describe sets the module's documentation (Markdown) and returns the module.
func (m *Module) Describe(doc string) *Module { m.doc = doc; return m }

// Doc is the module's documentation.
func (m *Module) Doc() string { return m.doc }

// Register adds functions and returns the module. A function with the same name
// and parameter types replaces the earlier one. It panics if no script can write the name: operators, properties
// and indexers belong to the engine.
func (m *Module) Register(fns ...*Native) *Module {
	for _, f := range fns {
		mustCall(f)
		if f.Name != "print" && f.Name != "debug" {
			mustName("function of a module", f.Name)
		}
		f.hooked = true
		m.funcs.add(f)
		m.order = append(m.order, f)
	}
	return m
}

// SetVar adds a constant and returns the module. The latest of a name counts. It panics if no script can write the name.
func (m *Module) SetVar(name string, v Value, doc string) *Module {
	mustName("constant", name)
	m.vars = append(m.vars, moduleVar{Name: name, Doc: doc, Value: v.Freeze()})
	return m
}

// Sub adds a module reached as `name::sub::item` and returns m. The latest of a name counts. It panics if no script can
// write the name.
func (m *Module) Sub(sub *Module) *Module {
	mustName("module", sub.name)
	m.subs = append(m.subs, sub)
	return m
}

// Functions are the registered functions in order, for documentation.
func (m *Module) Functions() []*Native { return m.order }

// Vars calls yield for each constant in order.
func (m *Module) Vars(yield func(name string, v Value, doc string) bool) {
	for _, v := range m.vars {
		if !yield(v.Name, v.Value, v.Doc) {
			return
		}
	}
}

// Modules are the modules inside this one.
func (m *Module) Modules() []*Module { return m.subs }

func (m *Module) variable(name string) (Value, bool) {
	for i := len(m.vars) - 1; i >= 0; i-- {
		if m.vars[i].Name == name {
			return m.vars[i].Value, true
		}
	}
	return Value{}, false
}

func (m *Module) sub(name string) *Module {
	for i := len(m.subs) - 1; i >= 0; i-- {
		if m.subs[i].name == name {
			return m.subs[i]
		}
	}
	return nil
}

// fnKey selects the overloads of a function.
type fnKey struct {
	name  string
	arity int
}

// registry holds native functions by name and number of parameters; overloads
// with more specific parameters come first.
type registry map[fnKey][]*Native

func (r registry) add(f *Native) {
	k := fnKey{f.Name, len(f.Params)}
	list := r[k]
	for i, g := range list {
		if sameParams(f, g) {
			list = append([]*Native(nil), list...)
			list[i] = f
			r[k] = list
			return
		}
	}
	at := len(list)
	w := f.width()
	for at > 0 && list[at-1].width() > w {
		at--
	}
	next := make([]*Native, 0, len(list)+1)
	next = append(next, list[:at]...)
	next = append(next, f)
	r[k] = append(next, list[at:]...)
}

func sameParams(f, g *Native) bool {
	for i, p := range f.Params {
		if q := g.Params[i]; p.Type != q.Type || p.Host != q.Host {
			return false
		}
	}
	return true
}

// width counts the kinds the parameters accept: less is more specific.
func (f *Native) width() int {
	w := 0
	for _, p := range f.Params {
		for t := p.Type; t != 0; t &= t - 1 {
			w++
		}
	}
	return w
}

// accepts reports whether the function takes these arguments.
func (f *Native) accepts(args []Value) bool {
	for i := range f.Params {
		p := &f.Params[i]
		if p.Type&(1<<args[i].Kind()) == 0 {
			return false
		}
		if p.Host != nil {
			if v := args[i].untag(); v.kind() == KindHost && v.host().typ != p.Host {
				return false
			}
		}
	}
	return true
}
