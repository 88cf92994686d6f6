package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dop251/goja"
	lua "github.com/yuin/gopher-lua"
	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/picloud/picloud/rhai"
)

// runner is a compiled script in one language.
type runner struct {
	answer string                             // of the first run
	run    func(n int) (time.Duration, error) // n runs
	close  func()
}

var languages = []struct {
	name, dir, ext string
	load           func(path, source string) (*runner, error)
}{
	{"Rhai", scriptsDir, ".rhai", loadRhai},
	{"Lua 5.4", "lua", ".lua", loadLua54},
	{"goja", "js", ".js", loadGoja},
	{"gopher-lua", "lua", ".lua", loadGopherLua},
	{"starlark-go", "star", ".star", loadStarlark},
}

// load compiles a script in every language that has it and compares the answers with Rhai's. Those of other
// languages may be the end of it only: how long a JSON text is depends on who writes it.
func load(name string) ([]*runner, error) {
	runners := make([]*runner, len(languages))
	for i, l := range languages {
		path := l.dir + "/" + name + l.ext
		source, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) && i > 0 {
			continue
		} else if err != nil {
			return nil, err
		}
		r, err := l.load(path, string(source))
		if errors.Is(err, errAbsent) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		runners[i] = r
		if !strings.HasSuffix(runners[0].answer, r.answer) {
			return nil, fmt.Errorf("%s answers %q in %s and %q in Rhai", name, r.answer, l.name, runners[0].answer)
		}
	}
	return runners, nil
}

// errAbsent says that a program is not installed.
var errAbsent = errors.New("not installed")

// processorTime is what the process has used of the processors so far, the collection of garbage with it. Lua's
// clock is of that kind, and a busy machine does not count.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inGo makes a runner of a function that runs a script once.
func inGo(once func() (string, error), close func()) (*runner, error) {
	answer, err := once()
	return &runner{
		answer: answer,
		run: func(n int) (time.Duration, error) {
			runtime.GC() // of what others left behind
			start := processorTime()
			for range n {
				if _, err := once(); err != nil {
					return 0, err
				}
			}
			return processorTime() - start, nil
		},
		close: close,
	}, err
}

func loadRhai(path, source string) (*runner, error) {
	prog, err := rhai.NewEngine().Compile(path, source)
	if err != nil {
		return nil, err
	}
	first := ""
	return inGo(func() (string, error) {
		v, err := prog.Run(context.Background(), nil)
		if err == nil && first == "" {
			first = v.String()
		}
		return first, err
	}, func() {})
}

func loadGoja(path, source string) (*runner, error) {
	prog, err := goja.Compile(path, "(function () {\n"+source+"\n})()", true)
	if err != nil {
		return nil, err
	}
	vm, first := goja.New(), ""
	return inGo(func() (string, error) {
		v, err := vm.RunProgram(prog)
		if err == nil && first == "" {
			first = v.String()
		}
		return first, err
	}, func() {})
}

func loadGopherLua(path, source string) (*runner, error) {
	l := lua.NewState(lua.Options{RegistrySize: 20 << 10, RegistryMaxSize: 1 << 20}) // table.concat pushes all parts
	f, err := l.Load(strings.NewReader(source), path)
	if err != nil {
		return nil, err
	}
	first := ""
	return inGo(func() (string, error) {
		l.Push(f)
		if err := l.PCall(0, 1, nil); err != nil {
			return "", err
		}
		if first == "" {
			first = l.Get(-1).String()
		}
		l.Pop(1)
		return first, nil
	}, l.Close)
}

func loadStarlark(path, source string) (*runner, error) {
	options := &syntax.FileOptions{While: true, Recursion: true, TopLevelControl: true, GlobalReassign: true}
	thread := &starlark.Thread{}
	globals, err := starlark.ExecFileOptions(options, thread, path, source, starlark.StringDict{"json": json.Module})
	if err != nil {
		return nil, err
	}
	main, first := globals["main"], ""
	return inGo(func() (string, error) {
		v, err := starlark.Call(thread, main, nil, nil)
		if err != nil {
			return "", err
		}
		if first == "" {
			switch v := v.(type) {
			case starlark.String:
				first = string(v)
			default:
				first = strings.ToLower(v.String()) // true and false
			}
		}
		return first, nil
	}, func() {})
}

// loadLua54 runs the script in a process that is told how often and says how long it took.
func loadLua54(path, _ string) (*runner, error) {
	program, err := exec.LookPath("lua5.4")
	if err != nil {
		return nil, errAbsent
	}
	cmd := exec.Command(program, "harness.lua", path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, fmt.Errorf("lua5.4 gave no answer: %w", cmd.Wait())
	}
	return &runner{
		answer: lines.Text(),
		run: func(n int) (time.Duration, error) {
			if _, err := io.WriteString(in, strconv.Itoa(n)+"\n"); err != nil {
				return 0, err
			}
			if !lines.Scan() {
				return 0, fmt.Errorf("lua5.4 ended: %w", lines.Err())
			}
			ns, err := strconv.ParseInt(lines.Text(), 10, 64)
			return time.Duration(ns), err
		},
		close: func() {
			in.Close()
			_ = cmd.Wait()
		},
	}, nil
}
