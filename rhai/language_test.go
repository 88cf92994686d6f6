package rhai

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai/syntax"
)

func TestLanguageOptions(t *testing.T) {
	text, err := os.ReadFile("testdata/options.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		parts := strings.Split(line, "\t")
		if len(parts) != 3 {
			t.Fatalf("%q has not three parts", line)
		}
		words, script, want := parts[0], parts[1], parts[2]
		var l syntax.Language
		lim := Limits{MaxOperations: 1e6}
		var opts []Option
		sc := NewScope()
		fn, plus := false, false
		for _, w := range strings.Fields(words) {
			switch {
			case w == "noif":
				l.NoIfExpr = true
			case w == "noswitch":
				l.NoSwitchExpr = true
			case w == "noloopx":
				l.NoLoopExpr = true
			case w == "nostmt":
				l.NoStmtExpr = true
			case w == "noclosure":
				l.NoClosures = true
			case w == "nolooping":
				l.NoLooping = true
			case w == "noshadow":
				l.NoShadowing = true
			case w == "strict":
				l.Strict = true
			case w == "failprop":
				opts = append(opts, StrictMaps())
			case w == "slowops":
				opts = append(opts, OverloadOperators())
			case w == "plus":
				plus = true
			case w == "fn":
				fn = true
			case w == "scope":
				sc.Push("x", Int(42)).PushConst("y", Int(7))
			case strings.HasPrefix(w, "dis:"):
				l.Disabled = append(l.Disabled, w[4:])
			case strings.HasPrefix(w, "maxvar:"):
				lim.MaxVariables, _ = strconv.Atoi(w[7:])
			case strings.HasPrefix(w, "maxfn:"):
				lim.MaxFunctions, _ = strconv.Atoi(w[6:])
			case strings.HasPrefix(w, "op:"):
				i := strings.LastIndexByte(w, ':')
				n, _ := strconv.Atoi(w[i+1:])
				l.Operators = map[string]uint8{w[3:i]: uint8(n)}
			}
		}
		var got string
		e := NewEngine(append(opts, WithLanguage(l), WithLimits(lim))...)
		if fn {
			g := func(x, y int64) int64 { return x*y - (x + y) }
			e.RegisterFn("foo", g)
			for symbol, f := range map[string]any{"#": g, "=>": func(x, y int64) int64 { return x + y + 1000 }, "===": func(x, y int64) int64 { return x - y }} {
				if l.Operators[symbol] > 0 {
					e.RegisterFn(symbol, f)
				}
			}
		}
		if plus {
			e.RegisterFn("+", func(a, b int64) int64 { return a*100 + b })
			e.RegisterFn("==", func(a, b int64) bool { return true })
			e.Register(&Native{Name: "+=", Params: []Param{{Type: TInt}, {Type: TInt}}, Effects: Mutates, Fn: func(c *Call) (Value, error) {
				*c.This() = Int(c.This().int()*1000 + c.Arg(1).int())
				return Value{}, nil
			}})
			e.RegisterFn("<", func(a string, b int64) bool { return true })
			e.RegisterFn("-", func(a string, b int64) string { return fmt.Sprint(a, "!", b) })
		}
		p, err := e.CompileScope(sc, "", script)
		var v Value
		if err == nil {
			v, err = p.Run(context.Background(), sc)
		}
		if err != nil {
			got = "ERR " + strings.ReplaceAll(err.Error(), "\n", "⏎")
		} else {
			got = "OK " + v.Repr()
		}
		if got != want {
			t.Errorf("%s: %s\n  got %s\n want %s", words, script, got, want)
		}
	}
}

func TestLanguageIsChecked(t *testing.T) {
	for want, l := range map[string]syntax.Language{
		"disable it":         {Operators: map[string]uint8{"+": 100}},
		"neither an ident":   {Operators: map[string]uint8{"a b": 100}},
		"precedence":         {Operators: map[string]uint8{"foo": 0}},
		"neither a keyword":  {Disabled: []string{"foo"}},
		"part of the langua": {Operators: map[string]uint8{"if": 100}},
	} {
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", l, err, want)
		}
	}
	good := syntax.Language{Disabled: []string{"if", "=>"}, Operators: map[string]uint8{"if": 1, "=>": 2, "#": 3, "foo": 255}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("an engine was made with an impossible language")
		}
	}()
	NewEngine(WithLanguage(syntax.Language{Operators: map[string]uint8{"+": 1}}))
}
