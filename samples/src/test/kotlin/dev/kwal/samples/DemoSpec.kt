package dev.kwal.samples

import dev.kwal.samples.demo.Demo
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir

/** The demo runs to its end. It throws when anything is lost. */
class DemoSpec :
    StringSpec({
        "killed writers lose nothing that was acknowledged" { Demo(tempdir().toPath()).run() }
    })
