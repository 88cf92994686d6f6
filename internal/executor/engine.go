package executor

import (
	"slices"

	"github.com/picloud/picloud/rhai"
)

// newEngine makes the engine with everything that scripts on PiCloud find.
func (e *Executor) newEngine(maxSourceSize int) *rhai.Engine {
	eng := rhai.NewEngine(
		rhai.WithLimits(rhai.Limits{MaxSourceSize: maxSourceSize}),
		rhai.WithPrint(e.print),
		rhai.WithDebug(e.debug),
		rhai.WithHostHook(hook),
		rhai.WithResolver(resolver{e}),
		rhai.WithVariables(
			rhai.Variable{Name: "request", Type: requestType.HostType()},
			rhai.Variable{Name: "event", Type: eventType.HostType()},
			rhai.Variable{Name: "events"},
		),
	)
	eng.Register(functions()...)
	eng.Register(global(functions())...)
	for _, m := range e.modules() {
		eng.RegisterModule(ofModule(m))
	}
	return eng
}

// functions are those without a module, in the order of their documentation.
func functions() []*rhai.Native {
	return slices.Concat(requestFunctions(), responseFunctions(), httpResponseFunctions(), eventFunctions())
}

// resolver finds what scripts import: the engine is made before the cache.
type resolver struct{ e *Executor }

// modules are the modules, in the order of their documentation.
func (e *Executor) modules() []*rhai.Module {
	return []*rhai.Module{
		e.logModule(),
		kvModule(),
		envModule(),
		secretModule(e.setSecret),
		queueModule(),
		topicModule(),
		httpModule(),
		jsonModule(),
		urlModule(),
		base64Module(),
		hexModule(),
		htmlModule(),
		e.regexModule(),
		cryptoModule(),
		e.timeModule(),
	}
}

// The helpers by which the functions are written down.

func param(name string, t rhai.TypeSet) rhai.Param { return rhai.Param{Name: name, Type: t} }

func textParam(name string) rhai.Param { return param(name, rhai.TString) }

// dataParam takes text or bytes.
func dataParam(name string) rhai.Param {
	return rhai.Param{Name: name, Type: rhai.TString | rhai.TBlob, TypeName: "string | blob"}
}

func anyParam(name string) rhai.Param {
	return rhai.Param{Name: name, Type: rhai.TAny, TypeName: "any"}
}

func hostParam(name string, t *rhai.HostType) rhai.Param {
	return rhai.Param{Name: name, Type: rhai.THost, Host: t, TypeName: t.Name}
}

func params(p ...rhai.Param) []rhai.Param { return p }

// text is argument i, which is a string by its parameter's type.
func text(c *rhai.Call, i int) string {
	s, _ := c.Arg(i).AsString()
	return s
}

// number is argument i, which is an integer by its parameter's type.
func number(c *rhai.Call, i int) int64 {
	n, _ := c.Arg(i).AsInt()
	return n
}

// data is argument i, text or bytes. It is borrowed: not to be written or kept.
func data(c *rhai.Call, i int) []byte {
	if b, ok := c.Arg(i).AsBlob(); ok {
		return b
	}
	return []byte(text(c, i))
}

// work charges for n bytes that are looked at.
func work(c *rhai.Call, n int) error { return c.Charge(1 + n/32) }

// newBlob makes a blob of b, which it takes over.
func newBlob(c *rhai.Call, b []byte) (rhai.Value, error) {
	if err := c.Alloc(48 + len(b)); err != nil {
		return rhai.Value{}, err
	}
	return rhai.Blob(b), nil
}

// newMap makes a map of entries, which it puts in order. Of several with one key the last counts.
func newMap(c *rhai.Call, entries ...rhai.Entry) (rhai.Value, error) {
	n := 64
	for i := range entries {
		n += 48 + len(entries[i].Key)
	}
	if err := c.Alloc(n); err != nil {
		return rhai.Value{}, err
	}
	return rhai.MapOf(entries), nil
}

// throw makes an error with a message that a script can catch.
func throw(message string) error { return rhai.Throw(rhai.String(message)) }
