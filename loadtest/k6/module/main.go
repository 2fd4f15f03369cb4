// k6 with the module `k6/x/selvage-sse` in it. Built by ../build.mjs.
package main

import (
	"go.k6.io/k6/v2/cmd"

	_ "selvage/k6/sse"
)

func main() { cmd.Execute() }
