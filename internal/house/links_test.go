package house

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	mdLink  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	mdCode  = regexp.MustCompile("(?s)```.*?\n```|`[^`\n]*`")
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
)

// TestLinksLead follows every link inside the project, to its heading where it
// names one.
func TestLinksLead(t *testing.T) {
	const root = "../.."
	var pages []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "data") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(d.Name(), ".md") {
			rel, err := filepath.Rel(root, file)
			pages = append(pages, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages were found", len(pages))
	}
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mdLink.FindAllStringSubmatch(mdCode.ReplaceAllString(string(text), ""), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, ":") {
				continue // another site
			}
			target := page
			if to != "" {
				target = path.Join(path.Dir(page), to)
			}
			info, err := os.Stat(filepath.Join(root, target))
			if err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
				continue
			}
			if anchor == "" || info.IsDir() {
				continue
			}
			there, err := os.ReadFile(filepath.Join(root, target))
			if err != nil {
				t.Fatal(err)
			}
			if !anchors(string(there))[anchor] {
				t.Errorf("%s: the link %s names no heading of %s", page, m[1], target)
			}
		}
	}
}

// anchors returns the headings of a page as links name them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ' || r == '-':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(m[1]))
		found[slug] = true
	}
	return found
}

// TestPagesAreFound holds README.md, or CONTRIBUTING.md for what only its readers
// need, to a link to every page of docs/ and docs/guides/.
func TestPagesAreFound(t *testing.T) {
	const root = "../.."
	var maps string
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		maps += string(text)
	}
	for _, folder := range []string{"docs", "docs/guides"} {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			page := path.Join(folder, e.Name())
			if strings.HasSuffix(page, ".md") && !strings.Contains(maps, "]("+page+")") {
				t.Errorf("neither README.md nor CONTRIBUTING.md leads to %s", page)
			}
		}
	}
}
