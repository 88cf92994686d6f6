package compile

import (
	"math/bits"

	"github.com/picloud/picloud/rhai/syntax"
)

// immediate is x if it may become a part of an instruction, and what it comes to when it is constant.
func (c *fn) immediate(x syntax.Expr) syntax.Expr {
	if c.General {
		return nil
	}
	if b, ok := x.(*syntax.Binary); ok {
		if k := c.fold(b); k != nil {
			return k
		}
	}
	return x
}

// fold computes an operator on literal integers, floats and bools. It leaves what fails, and what
// would be charged: texts.
func (c *fn) fold(x *syntax.Binary) syntax.Expr {
	if c.General {
		return nil
	}
	p, q := c.operandLiteral(x.X), c.operandLiteral(x.Y)
	if p == nil || q == nil {
		return nil
	}
	switch a := p.(type) {
	case *syntax.IntLit:
		if b, ok := q.(*syntax.IntLit); ok {
			return foldInts(x, a.Value, b.Value)
		}
	case *syntax.FloatLit:
		if b, ok := q.(*syntax.FloatLit); ok {
			return foldFloats(x, a.Value, b.Value)
		}
	}
	return nil
}

// operandLiteral is the number that x is or comes to.
func (c *fn) operandLiteral(x syntax.Expr) syntax.Expr {
	switch x := x.(type) {
	case *syntax.IntLit, *syntax.FloatLit:
		return x
	case *syntax.Binary:
		return c.fold(x)
	case *syntax.StmtExpr:
		if e := single(x.Stmt); e != nil {
			return c.operandLiteral(e)
		}
	}
	return nil
}

func foldInts(x *syntax.Binary, a, b int64) syntax.Expr {
	var r int64
	switch x.Op {
	case syntax.Plus:
		if r = a + b; (r^a)&(r^b) < 0 {
			return nil
		}
	case syntax.Minus:
		if r = a - b; (a^b)&(r^a) < 0 {
			return nil
		}
	case syntax.Multiply:
		hi, lo := bits.Mul64(uint64(a), uint64(b))
		if r = int64(lo); int64(hi)-(a>>63)&b-(b>>63)&a != r>>63 {
			return nil
		}
	case syntax.Divide:
		if b == 0 || b == -1 {
			return nil
		}
		r = a / b
	case syntax.Modulo:
		if b == 0 || b == -1 {
			return nil
		}
		r = a % b
	case syntax.Ampersand:
		r = a & b
	case syntax.Pipe:
		r = a | b
	case syntax.XOr:
		r = a ^ b
	case syntax.Equal:
		return &syntax.BoolLit{At: x.At, Value: a == b}
	case syntax.NotEqual:
		return &syntax.BoolLit{At: x.At, Value: a != b}
	case syntax.Less:
		return &syntax.BoolLit{At: x.At, Value: a < b}
	case syntax.LessEqual:
		return &syntax.BoolLit{At: x.At, Value: a <= b}
	case syntax.Greater:
		return &syntax.BoolLit{At: x.At, Value: a > b}
	case syntax.GreaterEqual:
		return &syntax.BoolLit{At: x.At, Value: a >= b}
	default:
		return nil
	}
	return &syntax.IntLit{At: x.At, Value: r}
}

func foldFloats(x *syntax.Binary, a, b float64) syntax.Expr {
	var r float64
	switch x.Op {
	case syntax.Plus:
		r = a + b
	case syntax.Minus:
		r = a - b
	case syntax.Multiply:
		r = a * b
	case syntax.Divide:
		r = a / b
	default:
		return nil // comparisons have a tolerance of their own
	}
	return &syntax.FloatLit{At: x.At, Value: r}
}
