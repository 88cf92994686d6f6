package rhai

import "github.com/picloud/picloud/rhai/syntax"

var fnBuiltins = []builtin{
	{
		"name|get$name(fn: Fn) -> string", "Returns the function's name.", `Fn("foo").name // "foo"`, 0,
		func(c *Call) (Value, error) { return c.String(c.Arg(0).fn().name) },
	},
	{
		"is_anonymous|get$is_anonymous(fn: Fn) -> bool", "Tells whether the function is a closure.", `(|x| x).is_anonymous // true`, 0,
		func(c *Call) (Value, error) { return Bool(c.Arg(0).fn().isAnonymous()), nil },
	},
}

// fnByName makes a pointer to the function of that name, which need not exist yet.
func (vm *machine) fnByName(name string) (Value, error) {
	if !syntax.IsFunctionName(name) {
		if syntax.IsReserved(name) || syntax.IsKeyword(name) || syntax.IsSymbol(name) {
			what := "symbol"
			if syntax.IsIdentifier(name) {
				what = "keyword"
			}
			return Value{}, newError(ErrParsing, "'"+name+"' is a reserved "+what)
		}
		return Value{}, newError(ErrFunctionNotFound, name)
	}
	return vm.newFn(name)
}
