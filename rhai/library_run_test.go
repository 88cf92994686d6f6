package rhai

import (
	"runtime"
	"strings"
	"testing"
)

// runScript runs a script and gives the raw form of its value, or the error's text.
func runScript(t *testing.T, script string, limits Limits) (string, error) {
	t.Helper()
	prog, err := NewEngine(WithLimits(limits)).Compile("", script)
	if err != nil {
		return "", err
	}
	v, err := prog.Run(t.Context(), nil)
	if err != nil {
		return "", err
	}
	return reprString(v), nil
}

// allocated is how many bytes the process has ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestExamplesOfTheLibrary(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range coreNatives() {
		if seen[n.Example] { // a property and its method share one
			continue
		}
		seen[n.Example] = true
		at := strings.LastIndex(n.Example, " // ")
		script, want := n.Example[:at], n.Example[at+4:]
		if got, err := runScript(t, script, Limits{MaxOperations: 1e6}); err != nil {
			t.Errorf("%s: %s\n  %v", n.Name, script, err)
		} else if got != want {
			t.Errorf("%s: %s = %s, want %s", n.Name, script, got, want)
		}
	}
}

// Each of these asks for more than it is allowed and must end in its own error, before it has done what it asks for: a run allocates
// at most 64 bytes for each operation it was granted, and what fits its memory.
func TestHostileUseOfTheLibrary(t *testing.T) {
	limits := Limits{MaxOperations: 5e6, MaxMemory: 8 << 20}
	for _, c := range []struct {
		script string
		want   ErrorKind
	}{
		{`let s = "x"; s.pad(2_000_000_000, "ab"); s`, ErrTooManyOperations},
		{`let s = "x"; s.pad(9_000_000_000_000, 'y'); s`, ErrDataTooLarge},
		{`let s = "x"; loop { s += s; }`, ErrMemory},
		{`let s = "0123456789"; loop { s.replace("0", s); }`, ErrMemory},
		{`let s = "abc"; loop { s.replace("", "xy"); }`, ErrMemory},
		{`let b = blob(1_000_000_000_000);`, ErrDataTooLarge},
		{`let b = blob(100_000_000);`, ErrMemory},
		{`let a = []; a.pad(2_000_000_000, 0);`, ErrTooManyOperations},
		{`let a = []; a.pad(10_000_000, 0);`, ErrMemory},
		{`let a = [1]; loop { a += a; }`, ErrMemory},
		{`let a = [1]; loop { a = a + a; }`, ErrMemory},
		{`let b = blob(8, 1); loop { b += b; }`, ErrMemory},
		{`let s = "x"; s.pad(4_000_000, 'x'); let a = s.to_chars();`, ErrMemory},
		{`let s = "x"; s.pad(1_000_000, 'x'); let a = s.split("");`, ErrMemory},
		{`let s = "x"; s.pad(100_000, 'x'); let a = []; loop { a.push(s + "y"); }`, ErrMemory},
		{`let s = "x"; s.pad(2_000_000, '\u200b'); s.to_debug()`, ErrMemory},
		{`let a = []; a.pad(100_000, "0123456789012345678901234567890123456789"); loop { let s = a.to_string(); a += s; }`, ErrMemory},
		{`let a = []; let s = "x"; s.pad(1_000_000, 'x'); a.pad(1000, s); let b = a + []; let n = 0; loop { if a == b { n += 1; } }`, ErrTooManyOperations},
		{`let a = []; let s = "x"; s.pad(1_000_000, 'x'); a.pad(10_000, s); loop { a.sort(); }`, ErrTooManyOperations},
		{`let a = []; a.pad(1000, 1); loop { a.sort(|x, y| 1); }`, ErrTooManyOperations},
		{`let a = []; a.pad(1000, 1); loop { a.dedup(|x, y| false); }`, ErrTooManyOperations},
		{`let x = 1e300; loop { sin(x); }`, ErrTooManyOperations},
		{`let m = #{}; let i = 0; loop { m["key" + i] = #{}; i += 1; }`, ErrMemory},
		{`let a = []; loop { a = [a]; }`, ErrDataTooLarge},
		{`let a = []; loop { let b = []; b.push(a); a = b; }`, ErrDataTooLarge},
		{`let a = []; loop { a = #{ a: a }; }`, ErrDataTooLarge},
		{`let s = "["; s.pad(10_000, '['); parse_json(s)`, ErrParsing},
		{`let s = "[1"; s.pad(1_000_000, ",1"); parse_json("{\"a\":" + s + "]}")`, ErrMemory},
	} {
		prog := compileFor(t, NewEngine(WithLimits(limits)), "", c.script)
		var stats Stats
		before := allocated()
		_, err := prog.Run(t.Context(), nil, RunStats(&stats))
		bytes := int64(allocated() - before)
		if kindOf(err) != c.want {
			t.Errorf("%s\n  gives %v, want %s", c.script, err, c.want)
		}
		if stats.PeakMemory > limits.MaxMemory {
			t.Errorf("%s\n  had %d bytes alive", c.script, stats.PeakMemory)
		}
		if most := 64*min(stats.Operations, limits.MaxOperations) + limits.MaxMemory; bytes > 2*most {
			t.Errorf("%s\n  allocated %d bytes in %d operations", c.script, bytes, stats.Operations)
		}
	}
}

// The edges of the functions, where they differ from what their sentence says.
func TestEdgesOfTheLibrary(t *testing.T) {
	for script, want := range map[string]string{
		`"abc".split("", 2)`:                                 `["", "abc"]`,
		`"abc".split("", 3)`:                                 `["", "a", "bc"]`,
		`"abc".split_rev("", 3)`:                             `["", "c", "ab"]`,
		`"".split(",")`:                                      `[""]`,
		`"".split()`:                                         `[""]`,
		`"abc".split(0)`:                                     `["abc", ""]`,
		`"abc".split(-1)`:                                    `["ab", "c"]`,
		`"abc".split(-9)`:                                    `["", "abc"]`,
		`"abc".split(",", 0)`:                                `["abc"]`,
		`"héllo".index_of("o")`:                              `4`,
		`"héllo".index_of('l', -2)`:                          `3`,
		`"".index_of("")`:                                    `-1`,
		`"héllo".sub_string(1, 1)`:                           `"é"`,
		`"héllo".sub_string(-9, 2)`:                          `"hé"`,
		`"héllo".sub_string(3..=1)`:                          `"l"`,
		`let s = "héllo"; s.set(-4, 'x'); s`:                 `"hxllo"`,
		`let s = "héllo"; s.set(9, 'x'); s`:                  `"héllo"`,
		`let s = "hé"; s.pad(5, "é-"); s`:                    `"héé-é"`,
		`let s = "hé"; s.pad(5, ""); s`:                      `"hé"`,
		`let s = "héllo"; [s.pop(2), s]`:                     `["lo", "hél"]`,
		`let s = "hi"; [s.pop(9), s]`:                        `["hi", ""]`,
		`let s = "hi"; let t = s; s.pop(); s += "o"; [s, t]`: `["ho", "hi"]`,
		`let s = "abc"; s.truncate(1); let t = s; s += "x"; t += "y"; [s, t]`: `["ax", "ay"]`,
		`"ß".to_upper()`:                                                     `"SS"`,
		`'ß'.to_upper()`:                                                     `'ß'`,
		`"aXbX".contains('X')`:                                               `true`,
		`let a = [1, 2, 3]; a.splice(1..1, [9]); a`:                          `[1, 9, 2, 3]`,
		`let a = []; a.splice(5, 5, [9]); a`:                                 `[9]`,
		`let a = [1, 2, 3, 4]; a.splice(0, 3, a); a`:                         `[1, 2, 3, 4, 4]`,
		`let a = [1, 2, 3]; a.insert(-1, 9); a`:                              `[1, 2, 9, 3]`,
		`let a = [1, 2, 3]; a.insert(-9, 9); a`:                              `[9, 1, 2, 3]`,
		`let a = [1, 2, 3]; [a.split(0), a]`:                                 `[[1, 2, 3], []]`,
		`let a = [1, 2, 3]; [a.split(9), a]`:                                 `[[], [1, 2, 3]]`,
		`let a = [1, 2, 3]; [a.retain(9, 9), a]`:                             `[[], [1, 2, 3]]`,
		`let a = [1, 2, 3]; [a.remove(-4), a]`:                               `[(), [1, 2, 3]]`,
		`let a = [[1], [2]]; let b = a.extract(0..1); b[0].push(9); [a, b]`:  `[[[1], [2]], [[1, 9]]]`,
		`let a = [[1]]; a.pad(3, a[0]); a[0].push(9); a`:                     `[[1, 9], [1], [1]]`,
		`let a = [[1]]; let b = a.pop(); b.push(2); [a, b]`:                  `[[], [1, 2]]`,
		`let a = [[1], [1]]; let b = a; a.for_each(|| this.push(2)); [a, b]`: `[[[1, 2], [1, 2]], [[1], [1]]]`,
		`let a = [[1]]; let b = a.map(|x| { x.push(2); x }); [a, b]`:         `[[[1]], [[1, 2]]]`,
		`let a = [3, 1, 2]; let b = a.order(); [a, b]`:                       `[[3, 1, 2], [1, 2, 3]]`,
		`[2, 1].order(|x, y| x < y)`:                                         `[1, 2]`,
		`let a = [2, 1]; a.sort(|x, y| throw 5); a`:                          `[2, 1]`,
		`[1.5, -1.0, 0.5].order_desc()`:                                      `[1.5, 0.5, -1.0]`,
		`["b", "a"].order_desc()`:                                            `["b", "a"]`,
		`[1, 2, 3, 4].reduce(|a, x, i| a + x * i, 0)`:                        `20`,
		`[1, 2, 3].zip([4, 5], |x, y, i| x + y + i)`:                         `[5, 8]`,
		`["x", "y"].index_of("y", -1)`:                                       `1`,
		`#{a: 1, b: 2}.map(|k, v| k + v)`:                                    `#{"a": "a1", "b": "b2"}`,
		`let m = #{a: 1, b: 2}; [m.retain(|k| k == "a"), m]`:                 `[#{"b": 2}, #{"a": 1}]`,
		`let m = #{a: [1]}; let n = m + #{b: 1}; n.a.push(2); [m, n]`:        `[#{"a": [1]}, #{"a": [1, 2], "b": 1}]`,
		`let b = blob(3, 1); b.splice(9, 9, blob(1, 2)); b`:                  `[01010102]`,
		`let b = blob(3, 1); b.splice(0, 0, blob(1, 2)); b`:                  `[01010102]`,
		`let b = blob(3, 1); [b.retain(9, 1), b]`:                            `[[010101], []]`,
		`let b = blob(4); b.write_be(0, 2, 258); b`:                          `[00000000]`,
		`"é".to_blob().as_string()`:                                          `"é"`,
		`let s = "a"; s += blob(1, 255); s`:                                  "\"a\ufffd\"",
		`let a = [1..2]; a.push(a); a`:                                       `[1..2, [1..2]]`,
		`let a = [1..2]; a.insert(0, a); a`:                                  `[[1..2], 1..2]`,
		`let a = [1..2]; a.set(0, a); a`:                                     `[[1..2]]`,
		`let a = [1..2]; a.pad(2, a); a`:                                     `[1..2, [1..2]]`,
		`let a = [1..2, 3]; a.splice(1, 0, a); a`:                            `[1..2, 1..2, 3, 3]`,
		`let a = [[1..2]]; a[0].push(a); a`:                                  `[[1..2, [[1..2]]]]`,
		`let a = [1..2]; let f = || a.push(a); f.call(); a`:                  `[1..2, [1..2]]`,
		`let m = #{r: 1..2}; m.set("x", m); m`:                               `#{"r": 1..2, "x": #{"r": 1..2}}`,
		`let m = #{r: [1..2]}; m.r.push(m); m`:                               `#{"r": [1..2, #{"r": [1..2]}]}`,
		`let m = #{r: 1..2}; m.mixin(m); m.x = m; m`:                         `#{"r": 1..2, "x": #{"r": 1..2}}`,
		`let n = #{y: [1..2]}; n.y += n; n`:                                  `#{"y": [1..2, #{"y": [1..2]}]}`,
		`let c = [[1..2], 3]; c[0].append(c); c`:                             `[[1..2, [1..2], 3], 3]`,
		`let c = [[[1..2]]]; c[0][0].append(c[0]); c`:                        `[[[1..2, [1..2]]]]`,
		`let m = #{a: #{b: 1..2}}; m.a.mixin(m); m`:                          `#{"a": #{"a": #{"b": 1..2}, "b": 1..2}}`,
		`const X = [1]; let f = || { X.push(2); }; f.call(); X`:              "Non-pure method 'push' cannot be called on constant (line 1, position 31)\nin closure call (line 1, position 45)",
		`0.get_bit(-1)`:                                                          `false`,
		`(-1).get_bits(0..=63)`:                                                  `-1`,
		`(-1).get_bits(60, 99)`:                                                  `15`,
		`let n = -1; n.set_bits(0..64, 5); n`:                                    `5`,
		`let n = 0; for b in (-1).bits(60) { if b { n += 1; } } n`:               `4`,
		`let x = 5; x.tag = 7; let y = x + 1; [x.tag, y.tag, x]`:                 `[7, 0, 5]`,
		`let a = [1]; a.tag = 7; a.push(2); let b = a; b.push(3); [a, b, b.tag]`: `[[1, 2], [1, 2, 3], 7]`,
		`let x = 42; x.take() + 1`:                                               `43`,
		`to_hex(-1)`:                                                             `"ffffffffffffffff"`,
		`1e300.round()`:                                                          `1e300`,
		`(-0.5).round()`:                                                         `-1.0`,
		`to_int(-1.9)`:                                                           `-1`,
		`parse_int("-ff", 16)`:                                                   `-255`,
		`max(1, 2.0) + min('a', 'b')`:                                            `Function not found: + (f64, char) (line 1, position 13)`,
		`parse_int("x")`:                                                         `Error parsing integer number 'x': invalid digit found in string (line 1, position 1)`,
		`parse_float("")`:                                                        `Error parsing floating-point number '': cannot parse float from empty string (line 1, position 1)`,
		`parse_int("1", 99)`:                                                     `Invalid radix: '99' (line 1, position 1)`,
		`1e30.to_int()`:                                                          `Integer overflow: to_int(1000000000000000000000000000000) (line 1, position 6)`,
		`0.get_bit(64)`:                                                          `Bit-field index 64 out of bounds: only 64 bits in bit-field (line 1, position 3)`,
		`[[1], [2]].order()`:                                                     `Function not found: elements of array cannot be sorted (line 1, position 12)`,
		`const A = [1]; A.get(0)`:                                                `Non-pure method 'get' cannot be called on constant (line 1, position 18)`,
		`range(0..=5, 2)`:                                                        `Function not found: range (range=, i64) (line 1, position 1)`,
		`[1].map("let")`:                                                         `Syntax error: 'let' is a reserved keyword (line 1, position 5)`,
	} {
		got, err := runScript(t, script, Limits{MaxOperations: 1e6})
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n  = %s, want %s", script, got, want)
		}
	}
}
