package rhai

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// A host may keep an error and return it from many calls, in runs at the same time.
func TestHostKeepsAnError(t *testing.T) {
	kept := Throw(String("no"))
	eng := NewEngine()
	eng.Register(&Native{Name: "refuse", Returns: "()", Fn: func(*Call) (Value, error) { return Value{}, kept }})
	p, err := eng.Compile("", "fn f() { refuse() }\nfn g() { try { refuse() } catch (e) { throw; } }\nif first { f() } else { g() }")
	if err != nil {
		t.Fatal(err)
	}
	want := map[bool]string{
		true:  "Runtime error: no (line 1, position 10)\nin call to function 'f' (line 3, position 12)",
		false: "Runtime error: no (line 2, position 39)\nin call to function 'g' (line 3, position 25)",
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 20 {
				_, err := p.Run(context.Background(), NewScope().Push("first", Bool(i%2 == 0)))
				if err == nil || err.Error() != want[i%2 == 0] {
					t.Errorf("got %v, want %s", err, want[i%2 == 0])
					return
				}
			}
		})
	}
	wg.Wait()
	if e := (*Error)(nil); !errors.As(kept, &e) || e.Position != (Position{}) || e.Trace != nil {
		t.Errorf("the host's error has become %v", kept)
	}
}
