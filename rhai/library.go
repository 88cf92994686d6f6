package rhai

import (
	"fmt"
	"strings"
	"sync"
)

// builtin describes a function of the standard library. The signature is read once, when the library is
// assembled:
//
//	index_of(text: string, find: string|char, start: i64) -> i64
//
// A parameter's type is a kind, a union of kinds, or any. `mut` before the first parameter says that the function writes its
// receiver; `ref` that it is refused on constants although it does not. Names joined by | are registered with the same
// function; `get$name` is a property.
type builtin struct {
	sig     string
	doc     string
	example string // a script and, after the last ` // `, the debug form of its value
	fx      Effect
	fn      func(*Call) (Value, error)
}

// coreNatives is the standard library in a fixed order.
func coreNatives() []*Native { return standardLibrary() }

// family is a part of the library under the heading that documentation gives it.
type family struct {
	title    string
	builtins [][]builtin
}

// families are the parts of the library in order. They are set by init since the functions, by way of an engine, refer to
// the library.
var families []family

func init() {
	families = []family{
		{"Language", [][]builtin{coreBuiltins, printBuiltins}},
		{"Numbers", [][]builtin{arithmeticBuiltins, mathBuiltins, bitBuiltins}},
		{"Texts and characters", [][]builtin{stringBuiltins, splitBuiltins}},
		{"Arrays", [][]builtin{arrayBuiltins, arrayFnBuiltins, sortBuiltins}},
		{"Object maps", [][]builtin{mapBuiltins}},
		{"Blobs", [][]builtin{blobBuiltins}},
		{"Ranges and iterators", [][]builtin{rangeBuiltins}},
		{"Time", [][]builtin{timeBuiltins}},
		{"Functions", [][]builtin{fnBuiltins, reflectBuiltins}},
	}
}

var standardLibrary = sync.OnceValue(func() []*Native {
	var all []*Native
	for _, f := range families {
		for _, part := range f.builtins {
			for _, b := range part {
				all = append(all, b.natives()...)
			}
		}
	}
	return all
})

var typeSets = map[string]TypeSet{
	"any": TAny, "()": TUnit, "bool": TBool, "i64": TInt, "f64": TFloat, "char": TChar, "timestamp": TTimestamp, "string": TString,
	"array": TArray, "map": TMap, "blob": TBlob, "range": TRange, "Fn": TFn,
}

// natives reads the signature. It panics on a malformed one, which the package's tests would meet first.
func (b builtin) natives() []*Native {
	head, rest, ok := strings.Cut(b.sig, "(")
	end := strings.LastIndex(rest, ") -> ")
	if !ok || end < 0 {
		panic("rhai: malformed signature: " + b.sig)
	}
	n := Native{Effects: b.fx, Fn: b.fn, Returns: rest[end+len(") -> "):], Doc: b.doc, Example: b.example}
	if params := rest[:end]; params != "" {
		for i, p := range strings.Split(params, ", ") {
			name, typ, ok := strings.Cut(p, ": ")
			if !ok {
				panic("rhai: malformed parameter: " + b.sig)
			}
			if mode, bare, found := strings.Cut(name, " "); found && i == 0 {
				name = bare
				switch mode {
				case "mut":
					n.Effects |= Mutates
				case "ref":
					n.Effects |= NonPure
				default:
					panic("rhai: malformed parameter: " + b.sig)
				}
			}
			n.Params = append(n.Params, Param{Name: name, Type: parseTypeSet(typ, b.sig), TypeName: typ})
		}
	}
	names := strings.Split(head, "|")
	all := make([]*Native, len(names))
	for i, name := range names {
		c := n
		c.Name = name
		all[i] = &c
	}
	return all
}

func parseTypeSet(typ, sig string) (set TypeSet) {
	for _, t := range strings.Split(typ, "|") {
		s, ok := typeSets[t]
		if !ok {
			panic(fmt.Sprintf("rhai: unknown type %q in %s", t, sig))
		}
		set |= s
	}
	return set
}

// slot is the receiver's place below its tag, for functions that write it.
func (c *Call) slot() *Value {
	if p := c.this.p; p != nil && p.kind == kindTagged {
		return &c.this.tagged().v
	}
	return c.this
}

// int, float and text read an argument whose kind the signature has settled.
func (c *Call) int(i int) int64     { return c.Arg(i).int() }
func (c *Call) float(i int) float64 { return c.Arg(i).float() }
func (c *Call) text(i int) string   { return c.Arg(i).str() }
func (c *Call) array(i int) *arrayObj {
	return c.Arg(i).arr()
}

// pattern is an argument that may be a string or a character, as text.
func (c *Call) pattern(i int) string {
	v := c.Arg(i)
	if v.isChar() {
		return string(v.char())
	}
	return v.str()
}

// clip turns a start that counts from the end when negative and a length into bounds within n elements.
func clip(n int, start, length int64) (from, to int) {
	switch {
	case start < 0:
		from = int(max(0, int64(n)+start))
	case start >= int64(n):
		return n, n
	default:
		from = int(start)
	}
	if length > 0 {
		to = from + int(min(length, int64(n-from)))
	} else {
		to = from
	}
	return from, to
}

// element finds index i of n, counting from the end when negative.
func element(n int, i int64) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// startLen reads arguments i and, if there is one, i+1 as a range or as start and length. Without a
// length everything to the end is meant.
func (c *Call) startLen(i int) (start, length int64) {
	if v := c.Arg(i); v.kind() == KindRange {
		return v.rng().startLen()
	}
	start = c.int(i)
	if i+1 < c.Len() {
		if v := c.Arg(i + 1); v.isInt() {
			return start, v.int()
		}
	}
	return start, 1<<63 - 1
}

// startLen is the range cut off below zero.
func (r *rangeObj) startLen() (start, length int64) {
	start = max(r.from, 0)
	end := max(r.to, start)
	if r.inclusive {
		return start, min(end, 1<<63-2) - start + 1
	}
	return start, end - start
}
