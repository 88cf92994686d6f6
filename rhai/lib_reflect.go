package rhai

var reflectBuiltins = []builtin{
	{
		"get_fn_metadata_list() -> array", "Returns a map for each function that the script defines: name, access, is_anonymous, params, and this_type of a typed method.",
		`fn add(x, y) { x + y } get_fn_metadata_list()[0].params // ["x", "y"]`, 0, libFunctions,
	},
	{"get_fn_metadata_list(name: string) -> array", "Returns a map for each function of a name.", `fn f(x) { x } get_fn_metadata_list("g").len // 0`, 0, libFunctions},
	{
		"get_fn_metadata_list(name: string, params: i64) -> array", "Returns a map for each function of a name and number of parameters.",
		`fn f(x) { x } get_fn_metadata_list("f", 1)[0].access // "public"`, 0, libFunctions,
	},
}

func libFunctions(c *Call) (Value, error) {
	list, err := c.vm.newArray(0)
	if err != nil {
		return Value{}, err
	}
	if c.vm.env == nil || c.vm.env.prog == nil {
		return list.value(), nil
	}
	for _, f := range c.vm.env.prog.unit.Funcs {
		if err := c.Charge(8); err != nil {
			return Value{}, err
		}
		if c.Len() > 0 && f.Name != c.text(0) || c.Len() > 1 && int64(len(f.Params)) != c.int(1) {
			continue
		}
		access := "public"
		if f.Private {
			access = "private"
		}
		params := c.newTexts(len(f.Params))
		for _, p := range f.Params {
			params.add(p)
		}
		names, err := params.done()
		if err != nil {
			return Value{}, err
		}
		if err := c.Alloc(int(mapBytes(5)) + 64 + len(f.Name)); err != nil {
			return Value{}, err
		}
		entries := map[string]Value{
			"name": String(f.Name), "access": String(access), "is_anonymous": Bool(f.Closure), "params": names,
		}
		if f.ThisType != "" {
			entries["this_type"] = String(f.ThisType)
		}
		if err := c.vm.push(list, Map(entries)); err != nil {
			return Value{}, err
		}
	}
	return list.value(), nil
}

// source is the name of the code that makes the call.
func (c *Call) source() string {
	if c.vm.env == nil || c.vm.env.prog == nil {
		return ""
	}
	return c.vm.env.prog.name
}
