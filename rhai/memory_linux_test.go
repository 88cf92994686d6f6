package rhai_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// greedyScripts keep as much as they can in ways of their own, so that what the model forgets shows in
// the process.
var greedyScripts = []struct{ name, script string }{
	{"integers", `let a = []; loop { a.push(1); }`},
	{"floats in rows", `let a = []; loop { let r = []; r.pad(50, 1.5); a.push(r); }`},
	{"tiny arrays", `let a = []; loop { a.push([1]); }`},
	{"arrays of three", `let a = []; loop { a.push([1, a.len(), 2]); }`},
	{"empty arrays", `let a = []; loop { let b = []; b.push(1); b.clear(); a.push(b); }`},
	{"tiny strings", `let a = []; loop { a.push("k" + a.len()); }`},
	{"strings of a hundred", `let s = ""; s.pad(100, 'x'); let a = []; loop { a.push(s + a.len()); }`},
	{"substrings", `let s = ""; s.pad(10000, 'x'); let a = []; loop { a.push(s.sub_string(0, 500)); }`},
	{"appended strings", `let a = []; loop { let s = "x" + a.len(); s += "y"; s += "z"; a.push(s); }`},
	{"shared prefixes", `let a = []; let s = "x"; loop { s += "yyyyyyyyyy"; a.push(s); }`},
	{"tiny maps", `let a = []; loop { a.push(#{x: 1}); }`},
	{"wide maps", `let a = []; loop { a.push(#{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: a.len()}); }`},
	{"maps that grow", `let a = []; loop { let m = #{}; for i in 0..20 { m["k" + i] = i; } a.push(m); }`},
	{"one map in order", `let m = #{}; let i = 1000000; loop { m["k" + i] = i; i += 1; }`},
	{"one map backwards", `let m = #{}; let i = 9000000; loop { m["k" + i] = i; i -= 1; }`},
	{"one map scattered", `let m = #{}; let i = 1; loop { i = i * 48271 % 2147483647; m["k" + i] = 1; }`},
	{"maps thinned out", `let all = []; loop { let m = #{}; for i in 0..300 { m["k" + i] = i; } for i in 0..290 { m.remove("k" + i); } all.push(m); }`},
	{"arrays thinned out", `let all = []; loop { let a = []; a.pad(1000, 1); a.truncate(1); all.push(a); }`},
	{"blobs", `let all = []; loop { all.push(blob(1000)); }`},
	{"tiny blobs", `let all = []; loop { all.push(blob(1)); }`},
	{"a growing blob", `let b = blob(); loop { b.push(1); }`},
	{"ranges", `let all = []; loop { all.push(0..all.len()); }`},
	{"function pointers", `let all = []; loop { all.push(Fn("f" + all.len())); }`},
	{"closures over arrays", `let all = []; loop { let a = [all.len()]; all.push(|| a); }`},
	{"curried", `let f = |a, b, c| a; let all = []; loop { all.push(f.curry(all.len()).curry(1)); }`},
	{"tagged", `let all = []; loop { let x = all.len(); x.tag = 7; all.push(x); }`},
	{"timestamps", `let all = []; loop { all.push(timestamp()); }`},
	{"characters", `let s = ""; s.pad(1000, 'é'); let all = []; loop { all.push(s.to_chars()); }`},
	{"words", `let s = ""; for i in 0..500 { s += "ab "; } let all = []; loop { all.push(s.split(" ")); }`},
	{"splitting in the middle", `let s = ""; s.pad(4000, 'x'); let all = []; loop { all.push(s.split(2000)); }`},
	{"upper case", `let s = ""; s.pad(4000, 'x'); let all = []; loop { all.push(s.to_upper()); }`},
	{"JSON", `let m = #{a: [1, 2, 3], b: "text"}; let all = []; loop { all.push(m.to_json()); }`},
	{"parsed JSON", `let s = "{\"a\":[1,2,3],\"b\":\"text\"}"; let all = []; loop { all.push(parse_json(s)); }`},
	{"large JSON", `let a = []; a.pad(20000, 123456); let all = []; loop { all.push(#{a: a}.to_json()); }`},
	{"keys and values", `let m = #{}; for i in 0..1000 { m["k" + i] = [i]; } let all = []; loop { all.push(m.keys()); all.push(m.values()); }`},
	{"merged maps", `let m = #{}; for i in 0..500 { m["k" + i] = i; } let all = []; loop { all.push(m + #{z: all.len()}); }`},
	{"copies of a map", `let m = #{}; for i in 0..500 { m["k" + i] = i; } let all = []; loop { let c = m; c.k1 = all.len(); all.push(c); }`},
	{"copies of copies", `let a = []; a.pad(200, [1, 2]); let all = []; loop { let b = a; b[7][0] = all.len(); all.push(b); }`},
	{"concatenated arrays", `let a = [1]; let all = []; loop { all.push(a + [all.len()]); }`},
	{"mapped", `let a = []; a.pad(100, 1); let all = []; loop { all.push(a.map(|x| [x])); }`},
	{"filtered", `let a = []; a.pad(1000, 1); let all = []; loop { all.push(a.filter(|x| x == 1)); }`},
	{"sorted", `let a = []; a.pad(300000, 1); let all = []; loop { let b = a; b.sort(|x, y| 0); all.push(b); }`},
	{"zipped", `let a = []; a.pad(500, 1); let all = []; loop { all.push(a.zip(a, |x, y| [x, y])); }`},
	{"drained", `let all = []; loop { let a = []; a.pad(1000, 1); all.push(a.drain(0..999)); all.push(a); }`},
	{"caught errors", `let all = []; loop { try { [1][all.len() + 2] } catch (e) { all.push(e); } }`},
	{"thrown maps", `fn f(n) { throw #{n: n, text: "error number " + n}; } let all = []; loop { try { f(all.len()) } catch (e) { all.push(e); } }`},
	{"evaluated", `let all = []; loop { all.push(eval("[" + all.len() + ", 2]")); }`},
	{"variables of eval", `let i = 0; loop { i += 1; eval("let x" + i + " = [1, 2, 3];"); }`},
	{"deep recursion with arrays", `fn f(n) { let a = []; a.pad(100000, n); if n > 0 { f(n - 1) + a.len() } else { 0 } } loop { f(50) }`},
	{"interpolated", "let s = `x`; let all = []; loop { all.push(`${all.len()} ${s} ${all.len()}`); }"},
	{"printed arrays", `let a = []; a.pad(1000, 12345); let all = []; loop { all.push(a.to_string()); }`},
	{"arrays of arguments", `fn f(a, b) { [a, b] } let x = 0; loop { x = [f(x, 1), 2][0]; if type_of(x) == "array" && x.len() > 5 { break; } x = [x]; x = x[0]; let big = []; big.pad(3000000, x); }`},
	{"garbage", `loop { let a = []; a.pad(100000, "x"); }`},
	{"garbage of strings", `let s = ""; s.pad(100000, 'x'); loop { let t = s + "y"; }`},
	{"garbage of all sizes", `let n = 1; loop { let a = []; a.pad(n, 1); n = n * 3 % 65537; }`},
}

// honestScripts keep about 7/8 of 64 MiB and must be let.
var honestScripts = []struct{ name, script string }{
	{"integers", `let a = []; a.pad(3_600_000, 1); a.len()`},
	{"a string", `let s = ""; s.pad(57_000_000, 'x'); s.len()`},
	{"a blob", `let b = blob(57_000_000); b.len()`},
	{"small arrays", `let a = []; a.pad(200_000, ()); for i in 0..200_000 { a[i] = [i, i, i, i, i, i, i, i]; } a.len()`},
	{"strings", `let a = []; a.pad(250_000, ()); for i in 0..250_000 { a[i] = "some text of a few more than hundred bytes, which is what texts in programs often have, the number " + i; } a.len()`},
	{"maps", `let a = []; a.pad(250_000, ()); for i in 0..250_000 { a[i] = #{a: i, b: i, c: i, d: i}; } a.len()`},
}

const (
	memoryLimit = 64 << 20
	memoryTask  = "RHAI_TEST_MEMORY"
)

// task is a script for a process of its own.
type task struct {
	Script     string
	Operations int64
	Collect    bool
}

// TestMemoryProcess is the process: it runs the script of its environment, says how it ended, and waits to be
// looked at.
func TestMemoryProcess(t *testing.T) {
	text := os.Getenv(memoryTask)
	if text == "" {
		t.Skip("this is the other process of TestProcessMemory")
	}
	var k task
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		t.Fatal(err)
	}
	opts := []rhai.Option{rhai.WithLimits(rhai.Limits{MaxOperations: k.Operations, MaxMemory: memoryLimit})}
	if k.Collect {
		opts = append(opts, rhai.WithCollection())
	}
	prog, err := rhai.NewEngine(opts...).Compile("", k.Script)
	if err != nil {
		t.Fatal(err)
	}
	var stats rhai.Stats
	_, err = prog.Run(context.Background(), nil, rhai.RunStats(&stats))
	end := "value"
	var e *rhai.Error
	if errors.As(err, &e) {
		end = string(e.Kind)
	}
	fmt.Printf("ended %s %d\n", end, stats.PeakMemory)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// inProcess runs a script in a process of its own: how it ended, the model's peak, and the most memory that was resident.
func inProcess(t *testing.T, k task) (end string, peak, resident int64) {
	t.Helper()
	text, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryProcess$")
	cmd.Env = append(os.Environ(), memoryTask+"="+string(text), "GOGC=100", "GOMEMLIMIT=off")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, _ := fmt.Sscanf(lines.Text(), "ended %s %d", &end, &peak); n == 2 {
			return end, peak, highWater(t, cmd.Process.Pid)
		}
	}
	t.Fatalf("the process said nothing: %v", lines.Err())
	return "", 0, 0
}

// highWater is the most memory of a process that was ever resident, in bytes.
func highWater(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// The process stays within a small multiple of a run's memory limit, whatever the script does: what the model
// counts is what there is.
func TestProcessMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a process for each of a hundred scripts")
	}
	_, _, base := inProcess(t, task{Script: "1", Operations: 100})
	worst := map[bool]float64{}
	check := func(name, script, want string, operations int64, factor map[bool]float64) {
		t.Run(name, func(t *testing.T) {
			for _, collect := range []bool{true, false} {
				end, peak, resident := inProcess(t, task{script, operations, collect})
				share := float64(resident-base) / memoryLimit
				worst[collect] = max(worst[collect], share)
				t.Logf("with a collection at each census %v: %.2f times the limit was resident, ended with %s", collect, share, end)
				if peak > memoryLimit {
					t.Errorf("%d bytes were alive by the model", peak)
				}
				if want != "" && end != want {
					t.Errorf("it ended with %s, want %s", end, want)
				}
				if share > factor[collect] {
					t.Errorf("with a collection at each census %v: more than %v times the limit was resident", collect, factor[collect])
				}
			}
		})
	}
	factor := map[bool]float64{true: 1.25, false: 2.25}
	scripts := len(greedyScripts) + len(honestScripts)
	for _, s := range greedyScripts {
		check(s.name, s.script, "", 10_000_000, factor) // enough to fill the memory, or to go round for a while
	}
	for _, s := range hostileScripts {
		if s.want == rhai.ErrMemory || s.want == rhai.ErrDataTooLarge { // the others take time only
			check(s.name, s.script, "", 30_000_000, factor)
			scripts++
		}
	}
	for _, s := range honestScripts {
		check("honest "+s.name, s.script, "value", 30_000_000, factor)
	}
	t.Logf("%d scripts; at most %.2f times the limit with a collection at each census, %.2f without",
		scripts, worst[true], worst[false])
}
