package rhai

var mapBuiltins = []builtin{
	{
		"len(map: map) -> i64", "Returns the number of properties.", `#{a: 1}.len() // 1`, 0,
		func(c *Call) (Value, error) { return Int(int64(c.Arg(0).mp().len())), nil },
	},
	{
		"is_empty(map: map) -> bool", "Tells whether the map has no properties.", `#{}.is_empty() // true`, 0,
		func(c *Call) (Value, error) { return Bool(c.Arg(0).mp().len() == 0), nil },
	},
	{
		"contains(map: map, property: string) -> bool", "Tells whether the map has a property.", `#{a: ()}.contains("a") // true`, 0,
		func(c *Call) (Value, error) {
			if err := c.vm.payKey(c.Arg(1)); err != nil {
				return Value{}, err
			}
			return Bool(c.Arg(0).mp().slot(c.text(1)) != nil), nil
		},
	},
	{
		"get(map: map, property: string) -> any", "Returns a property; () if there is none.", `#{a: 1}.get("b") // ()`, 0,
		func(c *Call) (Value, error) {
			if err := c.vm.payKey(c.Arg(1)); err != nil {
				return Value{}, err
			}
			v, _ := c.Arg(0).mp().get(c.text(1))
			return share(v), nil
		},
	},
	{
		"set(mut map: map, property: string, value: any) -> ()", "Sets a property.", `let m = #{}; m.set("a", 1); m // #{"a": 1}`, Stores,
		func(c *Call) (Value, error) {
			if err := c.vm.payKey(c.Arg(1)); err != nil {
				return Value{}, err
			}
			return Value{}, c.vm.setKey(c.slot().mp(), c.text(1), c.args[2])
		},
	},
	{
		"clear(mut map: map) -> ()", "Removes all properties.", `let m = #{a: 1}; m.clear(); m // #{}`, 0,
		func(c *Call) (Value, error) { c.slot().mp().clear(); return Value{}, nil },
	},
	{
		"remove(mut map: map, property: string) -> any", "Removes a property and returns it; () if there is none.", `let m = #{a: 1}; m.remove("a") // 1`, 0,
		func(c *Call) (Value, error) {
			m := c.slot().mp()
			if err := c.Charge(min(m.len(), chunkMax) >> 3); err != nil {
				return Value{}, err
			}
			if err := c.vm.payKey(c.Arg(1)); err != nil {
				return Value{}, err
			}
			v, _ := m.remove(c.text(1))
			return v, nil
		},
	},
	{
		"mixin(mut map: map, other: map) -> ()", "Sets all properties of another map.", `let m = #{a: 1}; m.mixin(#{b: 2}); m // #{"a": 1, "b": 2}`, 0,
		func(c *Call) (Value, error) { return Value{}, c.vm.mixin(c.slot().mp(), c.Arg(1).mp()) },
	},
	{"fill_with(mut map: map, other: map) -> ()", "Sets the properties of another map that this one lacks.", `let m = #{a: 1}; m.fill_with(#{a: 5, b: 2}); m // #{"a": 1, "b": 2}`, 0, libFillWith},
	{"keys(map: map) -> array", "Returns the names of the properties in order.", `#{b: 1, a: 2}.keys() // ["a", "b"]`, 0, libKeys},
	{"values(map: map) -> array", "Returns the properties in the order of their names.", `#{b: 1, a: 2}.values() // [2, 1]`, 0, libValues},
	{
		"map(map: map, mapper: Fn) -> map", "Returns a map with the results of a function for each property; it gets the name and the value, which is also `this`.",
		`#{a: 1}.map(|k, v| v + 1) // #{"a": 2}`, CallsBack, libMapMap,
	},
	{"filter(map: map, filter: Fn) -> map", "Returns the properties for which a function answers true.", `#{a: 1, b: 2}.filter(|k, v| v > 1) // #{"b": 2}`, CallsBack, libFilterMap},
	{
		"drain(mut map: map, filter: Fn) -> map", "Removes the properties for which a function answers true and returns them.",
		`let m = #{a: 1, b: 2}; m.drain(|k, v| v > 1) // #{"b": 2}`, CallsBack, func(c *Call) (Value, error) { return c.partitionMap(true) },
	},
	{
		"retain(mut map: map, filter: Fn) -> map", "Keeps the properties for which a function answers true and returns the others.",
		`let m = #{a: 1, b: 2}; m.retain(|k, v| v > 1) // #{"a": 1}`, CallsBack, func(c *Call) (Value, error) { return c.partitionMap(false) },
	},
	{"to_json(map: map) -> string", "Returns the map as JSON.", "#{a: [1, ()]}.to_json() // \"{\\\"a\\\":[1,null]}\"", 0, libToJSON},
}

func libFillWith(c *Call) (Value, error) {
	m, other := c.slot().mp(), c.Arg(1).mp()
	if err := c.Charge(other.len() >> 1); err != nil {
		return Value{}, err
	}
	for it := other.iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return Value{}, nil
		}
		if m.slot(k) != nil {
			continue
		}
		if err := c.vm.setKey(m, k, share(*v)); err != nil {
			return Value{}, err
		}
	}
}

func libKeys(c *Call) (Value, error) {
	m := c.Arg(0).mp()
	t := c.newTexts(m.len())
	for it := m.iter(); ; {
		k, _, ok := it.next()
		if !ok {
			return t.done()
		}
		t.add(k)
	}
}

func libValues(c *Call) (Value, error) {
	m := c.Arg(0).mp()
	if err := c.Charge(m.len() >> 3); err != nil {
		return Value{}, err
	}
	r, err := c.vm.newArray(m.len())
	if err != nil {
		return Value{}, err
	}
	for it := m.iter(); ; {
		_, v, ok := it.next()
		if !ok {
			break
		}
		if err := c.vm.push(r, share(*v)); err != nil {
			return Value{}, err
		}
	}
	return r.value(), nil
}

// visitProperty calls f with the name, and the value as `this` or second argument.
func (c *Call) visitProperty(f Value, key string, this *Value) (Value, error) {
	name, err := c.String(key)
	if err != nil {
		return Value{}, err
	}
	share(*this)
	args := [1]Value{name}
	as := c.native.Name
	if as == "map" {
		as = "filter" // the caller that the reference names
	}
	return c.vm.invokeExtra(as, f, this, args[:], nil, 1, c.pos)
}

func libMapMap(c *Call) (Value, error) {
	r, err := c.vm.newMap()
	if err != nil {
		return Value{}, err
	}
	for it := c.Arg(0).mp().iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return r.value(), nil
		}
		this := *v
		result, err := c.visitProperty(c.Arg(1), k, &this)
		if err == nil {
			err = c.vm.setKey(r, k, result)
		}
		if err != nil {
			return Value{}, err
		}
	}
}

func libFilterMap(c *Call) (Value, error) {
	r, err := c.vm.newMap()
	if err != nil {
		return Value{}, err
	}
	for it := c.Arg(0).mp().iter(); ; {
		k, v, ok := it.next()
		if !ok {
			return r.value(), nil
		}
		elem := *v
		this := elem
		result, err := c.visitProperty(c.Arg(1), k, &this)
		if err == nil && holds(result) {
			err = c.vm.setKey(r, k, elem)
		}
		if err != nil {
			return Value{}, err
		}
	}
}

// partitionMap moves the properties for which the function answers want out of the map and returns them. After an error the
// rest stays.
func (c *Call) partitionMap(want bool) (Value, error) {
	out, err := c.vm.newMap()
	if err != nil {
		return Value{}, err
	}
	kept, err := c.vm.newMap()
	if err != nil {
		return Value{}, err
	}
	var failed error
	for it := c.slot().mp().iter(); ; {
		k, v, ok := it.next()
		if !ok {
			break
		}
		to := kept
		if failed == nil {
			var result Value
			if result, failed = c.visitProperty(c.Arg(1), k, v); failed == nil && holds(result) == want {
				to = out
			}
		}
		if err := c.vm.setKey(to, k, *v); err != nil {
			return Value{}, err
		}
	}
	*c.slot() = kept.value()
	return out.value(), failed
}
