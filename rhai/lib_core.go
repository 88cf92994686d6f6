package rhai

import (
	"math"
)

var coreBuiltins = []builtin{
	{
		"exit() -> ()", "Ends the script; its value is ().", `exit(); 5 // ()`, Volatile,
		func(*Call) (Value, error) { return Value{}, &Error{Kind: ErrExit} },
	},
	{
		"exit(value: any) -> ()", "Ends the script with a value.", `exit(42); 5 // 42`, Volatile | Stores,
		func(c *Call) (Value, error) { return Value{}, &Error{Kind: ErrExit, Value: c.args[0]} },
	},
	{
		"take(mut value: any) -> any", "Returns the value of a variable, which becomes ().", `let x = 42; [take(x), x] // [42, ()]`, 0,
		func(c *Call) (Value, error) {
			v := *c.this
			*c.this = Value{}
			return v, nil
		},
	},
	{
		"tag|get$tag(value: any) -> i64", "Returns the tag that travels with a value; 0 if none was set.", `let x = 5; x.tag // 0`, 0,
		func(c *Call) (Value, error) {
			if v := c.args[0]; v.kind() == kindTagged {
				return Int(int64(v.tagged().tag)), nil
			}
			return Int(0), nil
		},
	},
	{"set_tag|set$tag(mut value: any, tag: i64) -> ()", "Sets a value's tag, a 32-bit number.", `let x = 5; x.tag = 42; x.tag // 42`, 0, libSetTag},
	{"parse_json(text: string) -> map", "Reads a JSON object.", "parse_json(`{\"a\": [1, null]}`) // #{\"a\": [1, ()]}", 0, libParseJSON},
}

func libSetTag(c *Call) (Value, error) {
	tag := c.int(1)
	if tag < math.MinInt32 || tag > math.MaxInt32 {
		size := "large"
		if tag < 0 {
			size = "small"
		}
		return Value{}, errArithmetic("%d is too %s to fit into a tag (must be between %d and %d)", tag, size, math.MinInt32, math.MaxInt32)
	}
	v := *c.slot()
	if tag == 0 {
		*c.this = v
		return Value{}, nil
	}
	if err := c.Alloc(48); err != nil {
		return Value{}, err
	}
	t := &tagObj{hdr: hdr{kind: kindTagged, depth: uint16(valueDepth(v))}, tag: int32(tag), v: v}
	*c.this = Value{p: &t.hdr}
	return Value{}, nil
}
