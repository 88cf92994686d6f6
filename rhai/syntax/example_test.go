package syntax_test

import (
	"fmt"
	"log"

	"github.com/picloud/picloud/rhai/syntax"
)

func ExampleFormat() {
	out, err := syntax.Format("fn add(a,b){a+b} // sums\nif add( 1,2 )>2{ print(`big`);done()\n}", syntax.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(out)
	// Output:
	// fn add(a, b) { a + b } // sums
	// if add(1, 2) > 2 {
	//     print(`big`);
	//     done()
	// }
}

func ExampleParse() {
	s, err := syntax.Parse("/// Adds.\nfn add(a, b) { a + b }\nadd(1, 2)", syntax.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range s.Functions {
		fmt.Println(f.Name, len(f.Params), f.Doc)
	}
	_, err = syntax.Parse("let x = ;", syntax.Options{})
	fmt.Println(err)
	// Output:
	// add 2 /// Adds.
	// Unexpected ';' (line 1, position 9)
}
