//go:build unix

package rhai

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/picloud/picloud/rhai/syntax"
)

var collectionsOf = map[int][]Value{}

// collections are three arrays, the last of several types, and a map of a size, which nobody may write in place.
func collections(n int) []Value {
	if made, ok := collectionsOf[n]; ok {
		return made
	}
	ints, texts := make([]Value, n), make([]Value, n)
	m := map[string]Value{}
	for i := range n {
		ints[i] = Int(int64(i * 7919 % (n + 1)))
		texts[i] = String(fmt.Sprint("t", i))
		if i < n/4 {
			m[fmt.Sprint("key", i)] = Int(int64(i))
		}
	}
	collectionsOf[n] = []Value{Array(ints).Freeze(), Array(texts).Freeze(), Array(append(ints[:n-1:n-1], String("t"))).Freeze(), Map(m).Freeze()}
	return collectionsOf[n]
}

// candidates are values of a size that a parameter accepts.
func candidates(p Param, n int) []Value {
	var vs []Value
	add := func(t TypeSet, list ...Value) {
		if p.Type&t != 0 {
			vs = append(vs, list...)
		}
	}
	large := collections(n)
	add(TString, String(strings.Repeat("ab,", n/3)), String(strings.Repeat("é ", n/3)), String("a"))
	add(TArray, large[:3]...)
	add(TMap, large[3])
	add(TBlob, Blob(make([]byte, n)))
	if p.Name == "radix" {
		add(TInt, Int(16))
	}
	add(TInt, Int(int64(n/2)), Int(1), Int(-2))
	add(TRange, Range(1, int64(n), false))
	add(TFn, Value{})      // stands for closures
	add(TBool, Bool(true)) // once each
	add(TFloat, Float(2.5))
	add(TChar, Char('a'))
	add(TTimestamp, timestamp(1))
	add(TUnit, Unit())
	if len(p.Name) == 0 && len(vs) > 4 {
		vs = vs[:4]
	}
	return vs
}

// literals are texts that the functions which read numbers and data accept.
func literals(f *Native, n int) []Value {
	switch f.Name {
	case "parse_json":
		return []Value{String(`{"a": [` + strings.Repeat("1, ", n/3) + "2]}"), String(`{"a": "` + strings.Repeat("é", n/2) + `"}`)}
	case "parse_int", "parse_float":
		return []Value{String(strings.Repeat("0", n) + "7")}
	}
	return nil
}

// closures stand for parameters of type Fn.
var closures = []string{"|x| x", "|x, y| if x < y { -1 } else { 1 }", "|x| [x, x]"}

// callText is how a script calls the function.
func callText(f *Native, args []string) string {
	switch name, get := strings.CutPrefix(f.Name, "get$"); {
	case get:
		return args[0] + "." + name
	case strings.HasPrefix(f.Name, "set$"):
		return args[0] + "." + f.Name[4:] + " = " + args[1]
	case strings.Contains(f.Name, "$"):
		return ""
	case syntax.IsIdentifier(f.Name) || unicode.IsLetter(rune(f.Name[0])):
		return f.Name + "(" + strings.Join(args, ", ") + ")"
	case len(args) == 2:
		return args[0] + " " + f.Name + " " + args[1]
	case len(args) == 1:
		return f.Name + args[0]
	}
	return ""
}

// cpuTime is what the process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What functions of the library allocate and how long they work stays in proportion to what they charge, for
// arguments of every type and of several sizes.
func TestChargesCoverTheWork(t *testing.T) {
	sizes := []int{300, 30_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	eng := NewEngine()
	limits := Limits{MaxOperations: 1 << 50, MaxMemory: 1 << 40}
	calls := 0
	for _, n := range sizes {
		for _, f := range StandardFunctions() {
			if f.Name == "sleep" || f.Name == "exit" {
				continue
			}
			for _, c := range argumentLists(f, n) {
				text := callText(f, c.args)
				if text == "" {
					continue
				}
				prog, err := eng.Compile("", text+"; ()")
				if err != nil {
					continue
				}
				var stats Stats
				run := func() {
					scope := NewScope()
					for i, v := range c.values {
						if c.args[i] == fmt.Sprint("a", i) {
							scope.Push(c.args[i], v)
						}
					}
					_, _ = prog.Run(context.Background(), scope, RunMetered(&limits, &stats))
				}
				run() // what is made once
				bytes, start := allocated(), cpuTime()
				run()
				took, real := cpuTime()-start, int64(allocated()-bytes)
				calls++
				if limit := 2*stats.PeakMemory + 40<<10; real > limit {
					t.Errorf("%s of size %d allocates %d bytes and charges %d", text, n, real, stats.PeakMemory)
				}
				if limit := 20*time.Millisecond + time.Duration(stats.Operations)*500; took > limit {
					t.Errorf("%s of size %d takes %v and charges %d operations", text, n, took, stats.Operations)
				}
			}
		}
	}
	t.Logf("%d calls", calls)
	if calls < 500 {
		t.Errorf("only %d calls", calls)
	}
}

// A call that works more than it charges, also before it fails, shows when it is made often: nothing of its time is lost in the noise then. What is large is
// larger here, so that a pass over it which nobody charged is seen, be it as fast as a search for a byte.
func TestChargesCoverRepeatedWork(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const n = 200_000
	eng := NewEngine()
	limits := Limits{MaxOperations: 200_000, MaxMemory: 1 << 40}
	done := map[*Native]bool{}
	for _, f := range StandardFunctions() {
		if f.Name == "sleep" || f.Name == "exit" {
			continue
		}
		for _, c := range argumentLists(f, n) {
			text := callText(f, c.args)
			prog, err := eng.Compile("", "let ok = 0; for i in 0..2000 { try { "+text+"; ok += 1; } catch {} } ok")
			if text == "" || err != nil {
				continue
			}
			scope := NewScope()
			for i, v := range c.values {
				if c.args[i] == fmt.Sprint("a", i) {
					scope.Push(c.args[i], v)
				}
			}
			wrong := ""
			for range 3 { // what is too slow three times is no noise
				var stats Stats
				bytes, start := allocated(), cpuTime()
				v, err := prog.Run(context.Background(), scope, RunMetered(&limits, &stats), RunInputs())
				took, real := cpuTime()-start, int64(allocated()-bytes)
				if n, _ := v.AsInt(); n > 0 || kindOf(err) == ErrTooManyOperations {
					done[f] = true
				}
				ops := min(stats.Operations, limits.MaxOperations)
				if limit := 2*stats.PeakMemory + 4<<20; real > limit {
					wrong = fmt.Sprintf("allocates %d bytes and charges %d", real, stats.PeakMemory)
				} else if limit := 5*time.Millisecond + time.Duration(ops)*1000; took > limit {
					wrong = fmt.Sprintf("takes %v and charges %d operations", took, ops)
				} else {
					wrong = ""
					break
				}
			}
			if wrong != "" {
				t.Errorf("%s %s, with%s", text, wrong, c.of())
			}
		}
		if !done[f] && !strings.Contains(f.Name, "$") {
			t.Errorf("%s: no call succeeds", f.Signature())
		}
	}
}

type argumentList struct {
	args   []string
	values []Value
}

// of says what the arguments are, for messages.
func (l argumentList) of() string {
	var b strings.Builder
	for i, v := range l.values {
		if x := v.String(); len(x) < 30 {
			fmt.Fprintf(&b, " %s=%s", l.args[i], x)
		} else {
			fmt.Fprintf(&b, " %s=%.9s… of %d", l.args[i], x, v.Len())
		}
	}
	return b.String()
}

// argumentLists are calls of f with every combination of candidates, up to a number.
func argumentLists(f *Native, n int) []argumentList {
	lists := []argumentList{{}}
	for i, p := range f.Params {
		if p.Type == TAny && i > 0 {
			p.Type = TInt | TString | TArray
		}
		var next []argumentList
		for _, l := range lists {
			values := candidates(p, n)
			if i == 0 {
				values = append(literals(f, n), values...)
			}
			for _, v := range values {
				names := []string{fmt.Sprint("a", i)}
				if v.IsUnit() && p.Type&TFn != 0 {
					names = closures
				}
				for _, name := range names {
					next = append(next, argumentList{
						append(append([]string(nil), l.args...), name),
						append(append([]Value(nil), l.values...), v),
					})
				}
			}
		}
		lists = next
		if len(lists) > 90 {
			lists = lists[:90]
		}
	}
	return lists
}
