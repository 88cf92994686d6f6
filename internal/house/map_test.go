package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheMapNamesEveryRoom fails when a folder is added that ARCHITECTURE.md
// does not speak of.
func TestTheMapNamesEveryRoom(t *testing.T) {
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range append(folders(t, root, ""), folders(t, root, "internal")...) {
		name := strings.TrimPrefix(room, "internal/")
		if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), "`"+room) && !strings.Contains(string(text), "`"+name+"/") {
			t.Errorf("ARCHITECTURE.md does not say what %s is: add it to the map", room)
		}
	}
}

// folders are the folders in a folder that Git keeps and that hold something.
func folders(t *testing.T, root, in string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, in))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || strings.HasPrefix(name, ".") || name == "testdata" || in == "" && (name == "internal" || name == "bin" || name == "data") {
			continue
		}
		found = append(found, strings.TrimPrefix(in+"/"+name, "/"))
	}
	return found
}
