package dev.kwal.samples

import dev.kwal.samples.demo.main
import io.kotest.core.spec.style.StringSpec

/** The demo runs to its end. */
class DemoSpec :
    StringSpec({
        "the demo takes a directory" { main(arrayOf("target")) }
    })
