package executor

import (
	"container/list"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai"
)

const (
	maxPattern      = 1000 // bytes
	maxPatternSteps = 5000 // instructions of a compiled pattern
	maxPatterns     = 256  // kept compiled
)

// pattern is a compiled regular expression.
type pattern struct {
	source string
	re     *regexp.Regexp
	steps  int // instructions: the work per character is at most so many
	// after finds from one character on, so that ^ and \b see it.
	after func() (*regexp.Regexp, error)
}

// patterns keeps compiled patterns, the least recently used going first.
type patterns struct {
	mu    sync.Mutex
	byKey map[string]*list.Element // of *pattern
	order list.List
}

func newPatterns() *patterns { return &patterns{byKey: map[string]*list.Element{}} }

func (ps *patterns) get(c *rhai.Call, source string) (*pattern, error) {
	if err := c.Charge(len(source)); err != nil {
		return nil, err
	}
	p := ps.kept(source)
	if p == nil {
		made, err := compilePattern(source)
		if err != nil {
			return nil, throw(err.Error())
		}
		p = ps.keep(made)
	}
	// The same charge whether it was kept or not: counts must not depend on
	// what else has run. It is what compiling costs, spread over some uses.
	return p, c.Charge(1 + p.steps/4)
}

func (ps *patterns) kept(source string) *pattern {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	at := ps.byKey[source]
	if at == nil {
		return nil
	}
	ps.order.MoveToFront(at)
	return at.Value.(*pattern)
}

func (ps *patterns) keep(p *pattern) *pattern {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if at := ps.byKey[p.source]; at != nil {
		return at.Value.(*pattern)
	}
	ps.byKey[p.source] = ps.order.PushFront(p)
	if ps.order.Len() > maxPatterns {
		delete(ps.byKey, ps.order.Remove(ps.order.Back()).(*pattern).source)
	}
	return p
}

func compilePattern(source string) (*pattern, error) {
	source = strings.Clone(source)
	if len(source) > maxPattern {
		return nil, fmt.Errorf("the regular expression is longer than %d bytes", maxPattern)
	}
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("the regular expression is malformed: %w", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("the regular expression is malformed: %w", err)
	}
	if len(prog.Inst) > maxPatternSteps {
		return nil, fmt.Errorf("the regular expression is too large: its repetitions come to %d steps, %d are allowed", len(prog.Inst), maxPatternSteps)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("the regular expression is malformed: %w", err)
	}
	p := &pattern{source: source, re: re, steps: len(prog.Inst)}
	p.after = sync.OnceValues(func() (*regexp.Regexp, error) {
		return regexp.Compile(`\A(?s:.)(?s:.*?)(` + source + `)`)
	})
	return p, nil
}

// find returns the next match at or after from, as regexp's index pairs, or
// nil. It charges for the worst the search can take.
func (p *pattern) find(c *rhai.Call, s string, from int) ([]int, error) {
	rest := len(s) - from
	if from == 0 {
		// Every character may keep every instruction busy.
		if err := c.Charge(1 + rest*p.steps/2); err != nil {
			return nil, err
		}
		return p.re.FindStringSubmatchIndex(s), nil
	}
	// Most matches are found without reading all of the rest. Where they are
	// not, the wall time ends the run between two of them.
	if err := c.Charge(2 + rest/8); err != nil {
		return nil, err
	}
	_, n := utf8.DecodeLastRuneInString(s[:from])
	base := from - n
	after, err := p.after()
	if err != nil {
		return nil, throw("the regular expression nests too deeply to find more than one match")
	}
	m := after.FindStringSubmatchIndex(s[base:])
	if m == nil {
		return nil, nil
	}
	m = m[2:]
	for i := range m {
		if m[i] >= 0 {
			m[i] += base
		}
	}
	return m, nil
}

// each calls f for each match, as regexp.FindAll finds them, until f returns
// false. An empty match right behind another does not count.
func (p *pattern) each(c *rhai.Call, s string, f func(m []int) (bool, error)) error {
	at, last := 0, -1
	for at <= len(s) {
		m, err := p.find(c, s, at)
		if m == nil || err != nil {
			return err
		}
		if m[1] > m[0] || m[0] != last {
			if more, err := f(m); !more || err != nil {
				return err
			}
			last = m[1]
		}
		at = m[1]
		if m[1] == m[0] {
			_, n := utf8.DecodeRuneInString(s[at:])
			at += max(n, 1)
		}
	}
	return nil
}

// captures makes a map of a match: its text, its groups by number from 1, and
// the named ones by name. A group that took no part is ().
func (p *pattern) captures(c *rhai.Call, s string, m []int) (rhai.Value, error) {
	var entries []rhai.Entry
	for i, name := range p.re.SubexpNames() {
		v := rhai.Unit()
		if m[2*i] >= 0 {
			var err error
			if v, err = c.String(s[m[2*i]:m[2*i+1]]); err != nil {
				return rhai.Value{}, err
			}
		}
		if i == 0 {
			entries = append(entries, rhai.Entry{Key: "text", Value: v})
			continue
		}
		entries = append(entries, rhai.Entry{Key: strconv.Itoa(i), Value: v})
		if name != "" {
			entries = append(entries, rhai.Entry{Key: name, Value: v})
		}
	}
	return newMap(c, entries...)
}

func (e *Executor) regexModule() *rhai.Module {
	pat := textParam("pattern")
	fn := func(name, returns, doc, example string, more []rhai.Param, f func(*rhai.Call, *pattern, string) (rhai.Value, error)) *rhai.Native {
		return &rhai.Native{
			Name: name, Params: append(params(pat, textParam("text")), more...), Returns: returns, Doc: doc, Example: example,
			Fn: func(c *rhai.Call) (rhai.Value, error) {
				p, err := e.patterns.get(c, text(c, 0))
				if err != nil {
					return rhai.Value{}, err
				}
				return f(c, p, text(c, 1))
			},
		}
	}
	collect := func(c *rhai.Call, p *pattern, s string, make func(m []int) (rhai.Value, error)) (rhai.Value, error) {
		var found []rhai.Value
		err := p.each(c, s, func(m []int) (bool, error) {
			v, err := make(m)
			if err == nil {
				err = c.Alloc(32)
			}
			found = append(found, v)
			return true, err
		})
		if err != nil {
			return rhai.Value{}, err
		}
		return rhai.Array(found), nil
	}
	return rhai.NewModule("regex").
		Describe("Regular expressions in RE2's syntax, which are matched in time linear in the text: there are no look-arounds and no back-references. "+
			"Write patterns between backticks, where a backslash is just that.").
		Register(
			fn("is_match", "bool", "Whether the pattern occurs in the text.", "regex::is_match(`^\\d{4}-\\d\\d$`, \"2024-05\") // true", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					m, err := p.find(c, s, 0)
					return rhai.Bool(m != nil), err
				}),
			fn("find", "string | ()", "The first match, or `()`.", "regex::find(`\\d+`, \"order 66 of 99\") // \"66\"", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					m, err := p.find(c, s, 0)
					if m == nil || err != nil {
						return rhai.Value{}, err
					}
					return c.String(s[m[0]:m[1]])
				}),
			fn("find_all", "array", "All matches that do not overlap.", "regex::find_all(`\\d+`, \"order 66 of 99\") // [\"66\",\"99\"]", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					return collect(c, p, s, func(m []int) (rhai.Value, error) { return c.String(s[m[0]:m[1]]) })
				}),
			fn("captures", "map | ()", "The groups of the first match, by number from \"1\" and by name, and `text`, all of it; or `()`. A group that took no part is `()`.",
				"regex::captures(`(?P<year>\\d{4})-(\\d\\d)`, \"on 2024-05\") // {\"1\":\"2024\",\"2\":\"05\",\"text\":\"2024-05\",\"year\":\"2024\"}", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					m, err := p.find(c, s, 0)
					if m == nil || err != nil {
						return rhai.Value{}, err
					}
					return p.captures(c, s, m)
				}),
			fn("captures_all", "array", "The groups of all matches, each as `captures` gives them.",
				"regex::captures_all(`(\\w)(\\d)`, \"a1 b2\") // [{\"1\":\"a\",\"2\":\"1\",\"text\":\"a1\"},{\"1\":\"b\",\"2\":\"2\",\"text\":\"b2\"}]", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					return collect(c, p, s, func(m []int) (rhai.Value, error) { return p.captures(c, s, m) })
				}),
			fn("replace", "string", "The text with all matches replaced. In the replacement `$1` and `${name}` stand for groups, `$$` for a dollar sign.",
				"regex::replace(`(\\w+)@(\\w+)`, \"ada@home\", \"$2 of $1\") // \"home of ada\"", params(textParam("replacement")),
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					with := text(c, 2)
					var out []byte
					end := 0
					err := p.each(c, s, func(m []int) (bool, error) {
						before := len(out)
						out = append(out, s[end:m[0]]...)
						out = p.re.ExpandString(out, with, s, m)
						end = m[1]
						return true, c.Alloc(len(out) - before)
					})
					if err != nil {
						return rhai.Value{}, err
					}
					return c.String(string(append(out, s[end:]...)))
				}),
			fn("split", "array", "The parts of the text between the matches.", "regex::split(`\\s*,\\s*`, \"a , b,c\") // [\"a\",\"b\",\"c\"]", nil,
				func(c *rhai.Call, p *pattern, s string) (rhai.Value, error) {
					var parts []rhai.Value
					start := 0
					add := func(end int) error {
						v, err := c.String(s[start:end])
						if err == nil {
							err = c.Alloc(32)
						}
						parts = append(parts, v)
						return err
					}
					err := p.each(c, s, func(m []int) (bool, error) {
						if m[1] == 0 || m[0] == len(s) && m[0] == m[1] {
							return true, nil // an empty match at an end splits nothing
						}
						err := add(m[0])
						start = m[1]
						return true, err
					})
					if err == nil {
						err = add(len(s))
					}
					if err != nil {
						return rhai.Value{}, err
					}
					return rhai.Array(parts), nil
				}),
			&rhai.Native{
				Name: "escape", Params: params(textParam("text")), Returns: "string",
				Doc: "A pattern that matches the text as it is.", Example: "regex::escape(\"1+1\") // \"1\\\\+1\"",
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					s := text(c, 0)
					if err := work(c, len(s)); err != nil {
						return rhai.Value{}, err
					}
					return c.String(regexp.QuoteMeta(s))
				},
			},
		)
}
