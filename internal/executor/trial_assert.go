package executor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/picloud/picloud/internal/trial"
	"github.com/picloud/picloud/rhai"
)

// asserts are the assertions of tests.
func (t *trialScripts) asserts() []*rhai.Native {
	cond, message, actual, expected, f := param("condition", rhai.TBool), textParam("message"), anyParam("actual"), anyParam("expected"), param("f", rhai.TFn)
	assert := func(name string, p []rhai.Param, returns, doc, example string, check func(*rhai.Call) (*trial.Failure, rhai.Value, error)) *rhai.Native {
		return &rhai.Native{
			Name: name, Params: p, Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile | rhai.CallsBack,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				fail, v, err := check(c)
				if err != nil || fail == nil {
					return v, err
				}
				pos := c.Position()
				fail.Line, fail.Column = int(pos.Line), int(pos.Col)
				t.Fail(*fail)
				return rhai.Value{}, throw(fail.Message)
			},
		}
	}
	truth := func(message func(*rhai.Call) string) func(*rhai.Call) (*trial.Failure, rhai.Value, error) {
		return func(c *rhai.Call) (*trial.Failure, rhai.Value, error) {
			if ok, _ := c.Arg(0).AsBool(); ok {
				return nil, rhai.Unit(), nil
			}
			return &trial.Failure{Message: message(c)}, rhai.Value{}, nil
		}
	}
	equality := func(want bool, message func(*rhai.Call) string) func(*rhai.Call) (*trial.Failure, rhai.Value, error) {
		return func(c *rhai.Call) (*trial.Failure, rhai.Value, error) {
			if err := work(c, 1000); err != nil {
				return nil, rhai.Value{}, err
			}
			a, e := c.Arg(0), c.Arg(1)
			if a.Equal(e) == want {
				return nil, rhai.Unit(), nil
			}
			fail := &trial.Failure{Message: message(c), Compared: want}
			if !want {
				return fail, rhai.Value{}, nil
			}
			fail.Actual, fail.Expected = printed(a), printed(e)
			if fail.Actual == fail.Expected {
				fail.Actual, fail.Expected = fail.Actual+" ("+a.TypeName()+")", fail.Expected+" ("+e.TypeName()+")"
			}
			return fail, rhai.Value{}, nil
		}
	}
	thrown := func(part func(*rhai.Call) string) func(*rhai.Call) (*trial.Failure, rhai.Value, error) {
		return func(c *rhai.Call) (*trial.Failure, rhai.Value, error) {
			_, err := c.Invoke(c.Arg(0))
			var re *rhai.Error
			if err == nil {
				return &trial.Failure{Message: "assert_throws: nothing was thrown"}, rhai.Value{}, nil
			}
			if !errors.As(err, &re) || !catchable(err) {
				return nil, rhai.Value{}, err
			}
			said := re.Message()
			if re.Kind == rhai.ErrRuntime {
				said = re.Value.String()
			}
			if p := part(c); !strings.Contains(said, p) {
				return &trial.Failure{Message: "assert_throws: something else was thrown", Compared: true, Expected: "…" + p + "…", Actual: said}, rhai.Value{}, nil
			}
			if re.Kind == rhai.ErrRuntime {
				return nil, re.Value, nil
			}
			v, err := c.String(said)
			return nil, v, err
		}
	}
	return []*rhai.Native{
		assert("assert", params(cond), "()", "Fails the test unless the condition holds.", `assert(1 < 2) // null`, truth(func(*rhai.Call) string { return "assert: the condition does not hold" })),
		assert("assert", params(cond, message), "()", "Fails the test with a message of its own.", `assert("tea".len > 0, "no tea") // null`, truth(func(c *rhai.Call) string { return "assert: " + text(c, 1) })),
		assert("assert_eq", params(actual, expected), "()", "Fails the test unless the values are equal, by the language's `==`, and shows how they differ.", `assert_eq(1 + 1, 2) // null`,
			equality(true, func(*rhai.Call) string { return "assert_eq: the values differ" })),
		assert("assert_eq", params(actual, expected, message), "()", "The same with a message.", `assert_eq([1], [1], "the list") // null`,
			equality(true, func(c *rhai.Call) string { return "assert_eq: " + text(c, 2) })),
		assert("assert_ne", params(actual, expected), "()", "Fails the test if the values are equal.", `assert_ne("a", "b") // null`,
			equality(false, func(c *rhai.Call) string { return "assert_ne: both are " + printed(c.Arg(0)) })),
		assert("assert_throws", params(f), "any", "Fails the test unless `f` throws, and returns what it threw.", `assert_throws(|| throw "oh") // "oh"`, thrown(func(*rhai.Call) string { return "" })),
		assert("assert_throws", params(f, textParam("part")), "any", "The same, and what was thrown must contain `part`.", `assert_throws(|| throw "out of tea", "tea") // "out of tea"`,
			thrown(func(c *rhai.Call) string { return text(c, 1) })),
		assert("fail", params(message), "()", "Fails the test.", `if 1 > 2 { fail("not here"); } // null`, func(c *rhai.Call) (*trial.Failure, rhai.Value, error) {
			return &trial.Failure{Message: text(c, 0)}, rhai.Value{}, nil
		}),
	}
}

// The longest value that is printed in one line, and the longest at all.
const (
	oneLine    = 60
	maxPrinted = 16 << 10
)

// printed is a value for a message: in one line if it is short.
func printed(v rhai.Value) string {
	s := v.Repr()
	if len(s) > oneLine && (v.Kind() == rhai.KindMap || v.Kind() == rhai.KindArray) {
		if b, err := writeJSON(v, maxPrinted, 2); err == nil {
			s = string(b)
		}
	}
	if len(s) > maxPrinted {
		s = cut(s, maxPrinted) + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return clean(s)
}
