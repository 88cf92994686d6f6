package bootstrap

import "testing"

func TestNodeName(t *testing.T) {
	dir := t.TempDir()
	open := func() (string, func() error) {
		t.Helper()
		name, closer, err := nodeName(dir, nodeFile)
		if err != nil || name == "" {
			t.Fatalf("%q, %v", name, err)
		}
		return name, closer
	}
	first, end := open()
	beside, endBeside := open()
	if beside == first {
		t.Error("two processes have one name")
	}
	_ = endBeside()
	_ = end()
	again, end := open()
	if again != first {
		t.Errorf("the node was called %s and is now %s", first, again)
	}
	_ = end()
}
