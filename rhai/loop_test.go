package rhai

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// The run loop is fast as long as the compiler keeps its state in registers: a larger stack frame
// means that it spills on every instruction.
func TestLoopFrameIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package")
	}
	out, err := exec.Command("go", "build", "-gcflags=-S", "-o", t.TempDir()+"/rhai.a", ".").CombinedOutput()
	if err != nil {
		t.Skipf("go build: %v", err)
	}
	m := regexp.MustCompile(`\(\*machine\)\.loop STEXT.* locals=0x([0-9a-f]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatal("the listing does not show the loop")
	}
	if n, _ := strconv.ParseInt(string(m[1]), 16, 64); n > 64 {
		t.Errorf("the run loop has a stack frame of %d bytes, more than 64", n)
	}
}
