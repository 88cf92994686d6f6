package dotenv

import (
	"maps"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[string]string
	}{
		{"", map[string]string{}},
		{"# only\n\n   # comments\n", map[string]string{}},
		{"A=1\nB = two words \r\nexport C=3\nD=\nE", nil},
		{"A=1\nB = two words \r\nexport C=3\nD=\n", map[string]string{"A": "1", "B": "two words", "C": "3", "D": ""}},
		{"A=1", map[string]string{"A": "1"}},
		{"A=", map[string]string{"A": ""}},
		{"\ufeffA=1", map[string]string{"A": "1"}},
		{"A=b # a comment\nB=c#d\nC=# none\nD=a\t# x", map[string]string{"A": "b", "B": "c#d", "C": "", "D": "a"}},
		{"URL=postgres://u:p=@h/db?a=b", map[string]string{"URL": "postgres://u:p=@h/db?a=b"}},
		{`A='single $X \n "q"'` + "\n" + `B="a\nb\t\"\\\$ \x # 'q'" # c`, map[string]string{"A": `single $X \n "q"`, "B": "a\nb\t\"\\$ \\x # 'q'"}},
		{"PEM=\"-----BEGIN\nMII=\n-----END\n\"\nA=1", map[string]string{"PEM": "-----BEGIN\nMII=\n-----END\n", "A": "1"}},
		{"A='x\ny'\nA=last", map[string]string{"A": "last"}},
		{"export=1\nexportA=2", map[string]string{"export": "1", "exportA": "2"}},
		{"A=it's", map[string]string{"A": "it's"}},
	} {
		got, err := Parse(c.text)
		if (err == nil) != (c.want != nil) || err == nil && !maps.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

func TestErrorsShowNoValue(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nhunter2":          "line 2: there is no =",
		"A=1\n\n2A=hunter2":     "line 3: before the =",
		"hunter2 B=1":           "line 1: before the =",
		"=hunter2":              "line 1: before the =: the name is empty",
		"A=\"hunter2\nB=1\n":    "line 1: the value begins with \"",
		"A='hunter2":            "line 1: the value begins with '",
		"A='x\ny' hunter2\nB=1": "line 2: something stands behind",
		"A=\xffhunter2":         "UTF-8",
		"A=\"a\\\"hunter2":      "line 1: the value begins",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Read(strings.NewReader(strings.Repeat("#", MaxSize+1))); err == nil {
		t.Error("a file of any size is read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("A=1\nB='x'\nC=\"\\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := Parse(text)
		for name := range values {
			if name == "" || err != nil {
				t.Errorf("%q: %q, %v", text, values, err)
			}
		}
	})
}
