package rhai

var printBuiltins = []builtin{
	{
		"print(value: any) -> ()", "Writes the value as text to wherever the host sends it.", `print([1, "a"]) // ()`, Volatile,
		func(c *Call) (Value, error) {
			s, err := c.vm.format(c.args[0], formDisplay)
			if err == nil && c.vm.eng.print != nil {
				c.vm.eng.print(c.Context(), s, c.pos)
			}
			return Value{}, err
		},
	},
	{
		"print() -> ()", "Writes an empty line.", `print() // ()`, Volatile,
		func(c *Call) (Value, error) {
			if c.vm.eng.print != nil {
				c.vm.eng.print(c.Context(), "", c.pos)
			}
			return Value{}, nil
		},
	},
	{
		"debug(value: any) -> ()", "Writes the value in debug form to wherever the host sends it.", `debug("a") // ()`, Volatile,
		func(c *Call) (Value, error) {
			s, err := c.vm.format(c.args[0], formDebug)
			if err == nil && c.vm.eng.debug != nil {
				c.vm.eng.debug(c.Context(), s, c.source(), c.pos)
			}
			return Value{}, err
		},
	},
	{
		"debug() -> ()", "Writes an empty line to the debug output.", `debug() // ()`, Volatile,
		func(c *Call) (Value, error) {
			if c.vm.eng.debug != nil {
				c.vm.eng.debug(c.Context(), "", c.source(), c.pos)
			}
			return Value{}, nil
		},
	},
}
