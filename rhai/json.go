package rhai

import (
	"errors"
	"strconv"

	"github.com/picloud/picloud/rhai/syntax"
)

// parse_json reads Rhai's superset of JSON: comments, trailing commas and constant expressions are let through.
// Names and calls are not evaluated.
func libParseJSON(c *Call) (Value, error) {
	text := c.text(0)
	if err := c.Charge(len(text) >> 2); err != nil {
		return Value{}, err
	}
	if err := c.Alloc(32 * len(text)); err != nil {
		return Value{}, err
	}
	l := c.vm.limits
	script, err := syntax.ParseJSON(text, syntax.Options{
		MaxExprDepth: l.MaxExprDepth, MaxSourceSize: -1,
		MaxStringLen: l.MaxStringSize, MaxArrayLen: l.MaxArraySize, MaxMapLen: l.MaxMapSize,
	})
	if err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return Value{}, &Error{Kind: ErrParsing, subject: e.Msg, Position: e.Pos, inner: err}
		}
		return Value{}, err
	}
	var v Value
	if len(script.Body) > 0 {
		if s, ok := script.Body[len(script.Body)-1].(*syntax.ExprStmt); ok {
			if v, err = c.constant(s.X); err != nil {
				return Value{}, err
			}
		}
	}
	if !v.isMap() {
		return Value{}, errOutputMismatch("map", typeName(v))
	}
	return v, nil
}

// constant evaluates an expression without names. The parser has bounded its depth.
func (c *Call) constant(x syntax.Expr) (Value, error) {
	switch x := x.(type) {
	case *syntax.UnitLit:
		return Value{}, nil
	case *syntax.BoolLit:
		return Bool(x.Value), nil
	case *syntax.IntLit:
		return Int(x.Value), nil
	case *syntax.FloatLit:
		return Float(x.Value), nil
	case *syntax.CharLit:
		return Char(x.Value), nil
	case *syntax.StringLit:
		return c.String(x.Value)
	case *syntax.ArrayLit:
		return c.constantArray(x)
	case *syntax.MapLit:
		return c.constantMap(x)
	case *syntax.Unary:
		v, err := c.constant(x.X)
		if err != nil {
			return Value{}, err
		}
		v, err = unary(c.vm, x.Op, v)
		return v, errorAt(err, x.At)
	case *syntax.Binary:
		a, err := c.constant(x.X)
		if err != nil {
			return Value{}, err
		}
		b, err := c.constant(x.Y)
		if err != nil {
			return Value{}, err
		}
		v, err := binary(c.vm, x.Op, a, b)
		return v, errorAt(err, x.At)
	case *syntax.Logical:
		return c.constantLogical(x)
	case *syntax.Variable:
		return Value{}, newError(ErrVariableNotFound, x.Name).at(x.At)
	case *syntax.Call:
		return Value{}, newError(ErrFunctionNotFound, x.Name).at(x.At)
	}
	return Value{}, &Error{Kind: ErrParsing, subject: "Only constant values are allowed in JSON", Position: x.Pos()}
}

func errorAt(err error, pos Position) error {
	if e, ok := err.(*Error); ok {
		return e.at(pos)
	}
	return err
}

func (c *Call) constantArray(x *syntax.ArrayLit) (Value, error) {
	a, err := c.vm.newArray(len(x.Items))
	if err != nil {
		return Value{}, err
	}
	for _, item := range x.Items {
		v, err := c.constant(item)
		if err == nil {
			err = c.vm.push(a, v)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return a.value(), nil
}

func (c *Call) constantMap(x *syntax.MapLit) (Value, error) {
	m, err := c.vm.newMap()
	if err != nil {
		return Value{}, err
	}
	for i := range x.Entries {
		v, err := c.constant(x.Entries[i].Value)
		if err == nil {
			err = c.vm.setKey(m, x.Entries[i].Key.Name, v)
		}
		if err != nil {
			return Value{}, err
		}
	}
	return m.value(), nil
}

func (c *Call) constantLogical(x *syntax.Logical) (Value, error) {
	a, err := c.constant(x.X)
	if err != nil {
		return Value{}, err
	}
	if x.Op == syntax.DoubleQuestion {
		if !a.IsUnit() {
			return a, nil
		}
		return c.constant(x.Y)
	}
	if !a.isBool() {
		return Value{}, errMismatch("bool", internalTypeName(a)).at(x.X.Pos())
	}
	if a.bool() == (x.Op == syntax.Or) {
		return a, nil
	}
	b, err := c.constant(x.Y)
	if err == nil && !b.isBool() {
		err = errMismatch("bool", internalTypeName(b)).at(x.Y.Pos())
	}
	return b, err
}

// libToJSON writes a map as the reference does: characters in single quotes, floats in debug form.
func libToJSON(c *Call) (Value, error) {
	p := printer{vm: c.vm, b: c.vm.textRoom[:0]}
	defer p.release()
	p.json(c.Arg(0), 0)
	p.pay()
	if p.err != nil {
		return Value{}, p.err
	}
	return c.String(p.text())
}

func (p *printer) json(v Value, depth int) {
	if len(p.b)-p.paid >= 256 {
		p.pay()
	}
	if p.err != nil {
		return
	}
	if depth > maxDepth {
		p.err = newError(ErrDataTooLarge, "Depth of data")
		return
	}
	switch v = v.untag().deref().untag(); v.kind() {
	case KindUnit:
		p.b = append(p.b, "null"...)
	case KindMap:
		p.jsonObject(v.mp(), depth)
	case KindArray:
		p.jsonArray(v.arr().v, depth)
	case KindBlob:
		if p.reserve(4 * len(v.blob().b)); p.err != nil {
			return
		}
		p.b = append(p.b, '[')
		for i, x := range v.blob().b {
			if i > 0 {
				p.b = append(p.b, ',')
			}
			p.b = strconv.AppendUint(p.b, uint64(x), 10)
		}
		p.b = append(p.b, ']')
	case KindFn:
		f := v.fn()
		if len(f.curry) == 0 {
			p.b = appendQuoted(p.b, f.name)
			return
		}
		p.b = append(p.b, '[')
		p.b = appendQuoted(p.b, f.name)
		for _, x := range f.curry {
			p.b = append(p.b, ',')
			p.json(x, depth+1)
		}
		p.b = append(p.b, ']')
	default:
		p.value(v, formRaw, depth)
	}
}

func (p *printer) jsonObject(m *mapObj, depth int) {
	p.b = append(p.b, '{')
	for it, first := m.iter(), true; ; first = false {
		k, v, ok := it.next()
		if !ok || p.err != nil {
			break
		}
		if p.reserve(2 * len(k)); p.err != nil {
			break
		}
		if !first {
			p.b = append(p.b, ',')
		}
		p.b = appendQuoted(p.b, k)
		p.b = append(p.b, ':')
		p.json(*v, depth+1)
	}
	p.b = append(p.b, '}')
}

func (p *printer) jsonArray(elems []Value, depth int) {
	p.b = append(p.b, '[')
	for i, e := range elems {
		if p.err != nil {
			return
		}
		if i > 0 {
			p.b = append(p.b, ',')
		}
		p.json(e, depth+1)
	}
	p.b = append(p.b, ']')
}
