// Command openapi writes the REST API's document from the handlers' types:
//
//	go run ./internal/manager/openapi FILE
package main

import (
	"fmt"
	"os"

	"github.com/picloud/picloud/internal/manager"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: openapi FILE")
		os.Exit(2)
	}
	doc, err := manager.OpenAPI()
	if err == nil {
		err = os.WriteFile(os.Args[1], doc, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}
