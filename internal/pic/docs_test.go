package pic_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/exchange"
	"github.com/picloud/picloud/internal/pic/terminal/terminaltest"
)

// guides runs what the guides in docs/ show, and nothing that they do not show: readers
// follow them word for word. In a page
//
//	```rhai NAME.rhai     is saved as that file, which the text right before it names, in a
//	```toml NAME.toml     directory that the page has made
//	```console            holds "$ command" and what it prints, … standing for any text
//	```http               holds exchanges (examples/README.md) with the app that the page
//	                      created last, with "pic apps create"
//
// "pic dev" goes on until the page ends, as in another terminal, at a port of its own
// instead of 8090. Other blocks are only to be read. A page may hold <!-- until: command --> for
// what PiCloud does by itself while readers read on: it is run until it succeeds.
func guides(t *testing.T, s *server) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	more, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, more...)
	run := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n```console\n") {
			continue
		}
		run++
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			g := &guide{s: s, page: filepath.Base(page), work: t.TempDir()}
			g.run(t, string(text))
		})
	}
	if run < 3 {
		t.Errorf("only %d guides show something that runs", run)
	}
}

// published is the address that the guides write for the server.
const published = "localhost:8080"

// developed is where "pic dev" answers, as the guides write it.
const developed = "127.0.0.1:8090"

type guide struct {
	s    *server
	page string
	work string
	app  string
	dev  string // where "pic dev" answers: HOST:PORT
}

func (g *guide) run(t *testing.T, text string) {
	signedIn := false
	var block, prose []string // prose: what stands before the block
	info, start := "", 0
	for i, line := range strings.Split(text, "\n") {
		switch {
		case info == "" && strings.HasPrefix(line, "```"):
			info, start, block = strings.TrimPrefix(line, "```"), i+1, nil
			if info == "" {
				info = "text"
			}
		case info != "" && line == "```":
			if runs(info) && !signedIn {
				g.signIn(t)
				signedIn = true
			}
			if kind, name, _ := strings.Cut(info, " "); isFile(kind, name) && !strings.Contains(strings.Join(prose, "\n"), "`"+name+"`") {
				t.Fatalf("%s:%d: the text before the block does not say that it is `%s`", g.page, start, name)
			}
			g.block(t, start, info, block)
			info, prose = "", nil
		case info != "":
			block = append(block, line)
		case strings.HasPrefix(line, "<!-- until: "):
			command := strings.TrimSuffix(strings.TrimPrefix(line, "<!-- until: "), " -->")
			g.shell(t, "until "+command+"; do sleep 0.05; done")
		case info == "":
			prose = append(prose, line)
		}
		if t.Failed() {
			return
		}
	}
}

// runs reports whether blocks of this kind need the server.
func runs(info string) bool {
	kind, name, _ := strings.Cut(info, " ")
	return kind == "console" || kind == "http" || isFile(kind, name)
}

// isFile reports whether readers save such a block.
func isFile(kind, name string) bool { return name != "" && (kind == "rhai" || kind == "toml") }

func (g *guide) signIn(t *testing.T) {
	t.Helper()
	g.shell(t, "printf '%s' \"$PASSWORD\" | pic login \"$URL\" --username \"$OWNER\" --password-stdin")
}

func (g *guide) block(t *testing.T, line int, info string, block []string) {
	t.Helper()
	kind, name, _ := strings.Cut(info, " ")
	switch {
	case isFile(kind, name):
		checkListing(t, g.page+", "+name, strings.Join(block, "\n"))
		// A directory is there when the page makes it.
		if err := os.WriteFile(filepath.Join(g.work, name), []byte(g.asRun(strings.Join(block, "\n")+"\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	case kind == "console":
		g.console(t, line, block)
	case kind == "http":
		exchanges, err := exchange.Parse(g.page, strings.Join(block, "\n"))
		if err != nil {
			t.Fatalf("the block at line %d: %v", line, err)
		}
		for _, x := range exchanges {
			x.Line += line
			runExchange(t, x, g.s.url+"/"+g.app)
		}
	}
}

// checkListing refuses a script that takes a page of kv::list for all there is.
func checkListing(t *testing.T, name, source string) {
	t.Helper()
	if strings.Contains(source, "kv::list(") && !strings.Contains(source, "cursor") {
		t.Errorf("%s lists keys without asking for the next page", name)
	}
}

// console runs each "$ command" and compares what it prints.
func (g *guide) console(t *testing.T, line int, block []string) {
	t.Helper()
	for i := 0; i < len(block); {
		command, ok := strings.CutPrefix(block[i], "$ ")
		if !ok {
			t.Fatalf("%s:%d: output without a command", g.page, line+i+1)
		}
		at := line + i + 1
		i++
		for strings.HasSuffix(command, "\\") && i < len(block) {
			command += "\n" + block[i]
			i++
		}
		var want []string
		for i < len(block) && !strings.HasPrefix(block[i], "$ ") {
			want = append(want, block[i])
			i++
		}
		if strings.HasPrefix(command, "pic dev ") {
			g.develop(t, at, command, want)
			continue
		}
		if name, ok := strings.CutPrefix(command, "pic apps create "); ok {
			g.app, _, _ = strings.Cut(name, " ")
			// An example, or another guide, may have used the name.
			g.shell(t, "pic apps delete "+g.app+" --force 2>/dev/null || true")
		}
		got, _ := g.bash(t, command) // some commands are shown failing: what they print counts
		if err := exchange.MatchText(strings.Join(want, "\n"), got); err != nil {
			t.Fatalf("%s:%d: %s\n%v", g.page, at, command, err)
		}
	}
}

// develop starts "pic dev", waits until it is ready, and compares what it said. It ends with the
// test.
func (g *guide) develop(t *testing.T, line int, command string, want []string) {
	t.Helper()
	cmd := exec.Command("bash", "-c", "exec "+command+" --listen 127.0.0.1:0")
	cmd.Dir, cmd.Env = g.work, g.s.environment(g.work)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	said, rest := bufio.NewScanner(r), make(chan struct{})
	var got []string
	for said.Scan() {
		if at := listening.FindString(said.Text()); at != "" {
			g.dev = strings.TrimPrefix(at, "http://")
		}
		got = append(got, said.Text())
		if strings.HasPrefix(said.Text(), "Ready at ") {
			break
		}
	}
	go func() {
		defer close(rest)
		for said.Scan() { // else it would wait for a reader
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // an error means that it has ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		<-rest
		r.Close()
	})
	text := g.asPublished(strings.Join(got, "\n"))
	if err := exchange.MatchText(strings.Join(want, "\n"), text); err != nil {
		t.Fatalf("%s:%d: %s\n%v", g.page, line, command, err)
	}
}

// asRun writes the addresses of the test's servers for those that the guides show.
func (g *guide) asRun(text string) string {
	text = strings.ReplaceAll(text, published, strings.TrimPrefix(g.s.url, "http://"))
	if g.dev != "" {
		text = strings.ReplaceAll(text, developed, g.dev)
	}
	return text
}

// asPublished is the reverse.
func (g *guide) asPublished(text string) string {
	text = strings.NewReplacer("\r\n", "\n", strings.TrimPrefix(g.s.url, "http://"), published).Replace(text)
	if g.dev != "" {
		text = strings.ReplaceAll(text, g.dev, developed)
	}
	return text
}

// shell runs a command that must succeed.
func (g *guide) shell(t *testing.T, command string) {
	t.Helper()
	if out, err := g.bash(t, command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// bash runs a command in the guide's directory, with its output on a terminal
// as a reader has it, and returns that with the published address in place of
// the server's.
func (g *guide) bash(t *testing.T, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", g.asRun(command))
	cmd.Dir = g.work
	cmd.Env = append(g.s.environment(g.work), "COLUMNS=100", "NO_COLOR=1", "TERM=xterm")
	person, program := terminaltest.Open(t)
	cmd.Stdout, cmd.Stderr = program, program
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close() // the command has it now; when it ends, reading ends
	out, _ := io.ReadAll(person)
	err := cmd.Wait()
	person.Close()
	return g.asPublished(string(out)), err
}

// runExchange sends one request and checks the answer.
func runExchange(t *testing.T, x exchange.Exchange, base string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := x.Request(ctx, base)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Check(res.StatusCode, res.Header, body); err != nil {
		t.Errorf("line %d: %s %s: %v", x.Line, x.Method, x.Target, err)
	}
}
