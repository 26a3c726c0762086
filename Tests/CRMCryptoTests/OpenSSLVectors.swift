/// Keys and a signature made with the openssl command line, for these tests only:
///
///     openssl genrsa -traditional -out k1.pem 2048
///     openssl pkcs8 -topk8 -nocrypt -in k1.pem -out k8.pem
///     printf 'eyJhbGciOiJSUzI1NiJ9.e30' | openssl dgst -sha256 -sign k8.pem | xxd -p
///     openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
///     openssl pkcs8 -topk8 -in k1.pem -passout pass:x -v2 aes-256-cbc
enum OpenSSLVectors {
    static let message = Array("eyJhbGciOiJSUzI1NiJ9.e30".utf8)

    static let signature = hex(
        """
        1d55dd1f29ff63caa37915dd60191f5c3948a985c50403d513274b8ac7235fedb5635d1e9a2812db0f1a7238fc50f2072539
        a82f02ebc50db4d953a41518ee4c37c0ec424c43de394ea398aca6be8863b6f465db46e3b9eb1ce657f8df52f93ad53f7eaf
        b1fae7c16e00b10b926b47163f12ca8573190464a430fa7ed1046bc8608823f222f6b5c80b99ac5ef428630cb74a959c1e2f
        50fecd2b8ad3e23d744d36a33588336b1f8ff71fb7902beba352f9d6d0550fe5677554d5553e1035c15e48e3e7dfc763b97a
        60b8f52a7ba319a5105efff3f74f770b0a30799ca32c988e3bf744273d05f3604df2ae1cab6c4e9daffd0034f972628ebd44
        cf5805a10df6
        """)

    static let modulus = hex(
        """
        97e7269256000e6e8703400f5e3161d7cc7fad98c50b7a550804758e6affc05c7a7730aacde495b638ba4f4a927670fc45e8
        078abb5ba4605067e8c08b0602119cb8d51f81c981a958975a101634d3f55b4b8db2d8ea781e4e5e9c862c5d8d3d09bc46cf
        3c4310142b50bcb354543c0a56f0a8dda5be2fbe32b6ce85ea62c1c6be5b677dbf6f5f258aeedef414592c2755b25d0f92a6
        0f7a2b8a19d679a5503cb175ba0910d7c7adeb31e6b04894e9ae6e0485aa92d0efeefa3983eac85a00f1b340d40b24d54b6f
        15bbca7707ab2fdeb3e738a0a6e02fa2bd36cae019b4fcfe2c1bc67dcd0281d151a08ee3e78bd58cd5f2dfa57c78aff32d60
        13936102767f
        """)

    static let pkcs8 = pem(
        "PRIVATE KEY",
        """
        MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCX5yaSVgAObocDQA9eMWHXzH+tmMULelUIBHWOav/AXHp3MKrN
        5JW2OLpPSpJ2cPxF6AeKu1ukYFBn6MCLBgIRnLjVH4HJgalYl1oQFjTT9VtLjbLY6ngeTl6chixdjT0JvEbPPEMQFCtQvLNUVDwK
        VvCo3aW+L74yts6F6mLBxr5bZ32/b18liu7e9BRZLCdVsl0PkqYPeiuKGdZ5pVA8sXW6CRDXx63rMeawSJTprm4EhaqS0O/u+jmD
        6shaAPGzQNQLJNVLbxW7yncHqy/es+c4oKbgL6K9NsrgGbT8/iwbxn3NAoHRUaCO4+eL1YzV8t+lfHiv8y1gE5NhAnZ/AgMBAAEC
        ggEACjFoRNuL0hbCl9+S6GwsjPGGWRzDjtCc/MESg7BUYbu9kAVDq4s81zxulrwsoHwBFvkfQG+avP363JjMCsgoGAx0hACYPJr8
        b8XANQzNwLIEd/PAiOO66bWyjZLx+S5tZnDW2OMfUOiO5jJeCjjuH8zTsKZ8OmCJGm1qkFE5DULxXdXtkmYsmwPRGW2Wg2oTCQ6V
        HEgZynYUfEfKqtnAhnOXGf/vkS8HtA6c2lyM9kRJca+kW/Vev/bbVqqCNwBx+n0lGAdezzxC14fVWmLXxYwG+E2l1k2/Pdaw+7VS
        f2FHr/27fTqozRWChYSOXmFypPbzze07WX/uuNKGraNAUQKBgQDGh0GSrKX8eMgdbo1d+gWJIjdncdb/5VpSqcHhdjcTlqEbhqEY
        jcuVSgvMyhQjZqhhj8yl1nUOYfxzNKMszIGajtOZibv+1PHTP/vpHB/e3+EFJUph0MBMBodViCtzCFkwB89f4cs7DmY3cOrojPXI
        4sVnyzvfhGQ+srGvobAtpwKBgQDD4IfABAjqJOglLGhYg2cNegl0UHP8K5FdccgT6AbePDn7JNnNB68+HQbEwUZGxmFwpD0ZtzGY
        yOpBegk/1okLLbbQc4cjHPQ97411v8HBZpv6VLtqdH837H9JvQJKTCG2DT8UHzXqljuhmecmmnLPKTP7Zp7UHc3AFSRKdrv7aQKB
        gC5tJvqEAXUfUb0AQ3L8qxq8s7QvPRYuroaySDLPkGW2Tgq/2yCA2GEbJdNIVplIwou+Mx99HXa1l3Hhl188m/pm+DjpqtsXNU4v
        oluLRjC6rkajx9dEGBQvWqq342FNTH4c9XP4u6wd2+2PLIAhpsDJt1xkfKXysfavlzn5V9f1AoGAYUO6RPf78UC4YdUmT2WYo5GI
        5lAY+AwuV8drQa9C0dH4PKR03qHFPEOvm74ZhoV11zhG+uED6MlDwZW2yBNg48Mkd2gWn7H9+k9c4C6DKOUp6OlwUxFcJsnx/wyy
        +W/KgZscSoKhBEbrf3hr1rh08DeWj2zKy6utAoe9CJjjCZkCgYB4uVxtJM3faZcLXiOo58O/UgwZO2bUvjm8znjPXjJPNJ6JjzPG
        St2Hm6r9vLZ1MAUpQ9HP67EQY0x6BaJg0Etp81yrKYZ5SZsPBXmN+NwDhZTa3rVIeGSSc4eGp1JHf3yC/cRTXxZZdKDeqt72HTGG
        YotFnUCvWnDWKBCMBZ++bQ==
        """)

    static let pkcs1 = pem(
        "RSA PRIVATE KEY",
        """
        MIIEogIBAAKCAQEAl+cmklYADm6HA0APXjFh18x/rZjFC3pVCAR1jmr/wFx6dzCqzeSVtji6T0qSdnD8RegHirtbpGBQZ+jAiwYC
        EZy41R+ByYGpWJdaEBY00/VbS42y2Op4Hk5enIYsXY09CbxGzzxDEBQrULyzVFQ8ClbwqN2lvi++MrbOhepiwca+W2d9v29fJYru
        3vQUWSwnVbJdD5KmD3orihnWeaVQPLF1ugkQ18et6zHmsEiU6a5uBIWqktDv7vo5g+rIWgDxs0DUCyTVS28Vu8p3B6sv3rPnOKCm
        4C+ivTbK4Bm0/P4sG8Z9zQKB0VGgjuPni9WM1fLfpXx4r/MtYBOTYQJ2fwIDAQABAoIBAAoxaETbi9IWwpffkuhsLIzxhlkcw47Q
        nPzBEoOwVGG7vZAFQ6uLPNc8bpa8LKB8ARb5H0Bvmrz9+tyYzArIKBgMdIQAmDya/G/FwDUMzcCyBHfzwIjjuum1so2S8fkubWZw
        1tjjH1DojuYyXgo47h/M07CmfDpgiRptapBROQ1C8V3V7ZJmLJsD0RltloNqEwkOlRxIGcp2FHxHyqrZwIZzlxn/75EvB7QOnNpc
        jPZESXGvpFv1Xr/221aqgjcAcfp9JRgHXs88QteH1Vpi18WMBvhNpdZNvz3WsPu1Un9hR6/9u306qM0VgoWEjl5hcqT2883tO1l/
        7rjShq2jQFECgYEAxodBkqyl/HjIHW6NXfoFiSI3Z3HW/+VaUqnB4XY3E5ahG4ahGI3LlUoLzMoUI2aoYY/MpdZ1DmH8czSjLMyB
        mo7TmYm7/tTx0z/76Rwf3t/hBSVKYdDATAaHVYgrcwhZMAfPX+HLOw5mN3Dq6Iz1yOLFZ8s734RkPrKxr6GwLacCgYEAw+CHwAQI
        6iToJSxoWINnDXoJdFBz/CuRXXHIE+gG3jw5+yTZzQevPh0GxMFGRsZhcKQ9GbcxmMjqQXoJP9aJCy220HOHIxz0Pe+Ndb/BwWab
        +lS7anR/N+x/Sb0CSkwhtg0/FB816pY7oZnnJppyzykz+2ae1B3NwBUkSna7+2kCgYAubSb6hAF1H1G9AENy/KsavLO0Lz0WLq6G
        skgyz5Bltk4Kv9sggNhhGyXTSFaZSMKLvjMffR12tZdx4ZdfPJv6Zvg46arbFzVOL6Jbi0Ywuq5Go8fXRBgUL1qqt+NhTUx+HPVz
        +LusHdvtjyyAIabAybdcZHyl8rH2r5c5+VfX9QKBgGFDukT3+/FAuGHVJk9lmKORiOZQGPgMLlfHa0GvQtHR+DykdN6hxTxDr5u+
        GYaFddc4RvrhA+jJQ8GVtsgTYOPDJHdoFp+x/fpPXOAugyjlKejpcFMRXCbJ8f8MsvlvyoGbHEqCoQRG6394a9a4dPA3lo9sysur
        rQKHvQiY4wmZAoGAeLlcbSTN32mXC14jqOfDv1IMGTtm1L45vM54z14yTzSeiY8zxkrdh5uq/by2dTAFKUPRz+uxEGNMegWiYNBL
        afNcqymGeUmbDwV5jfjcA4WU2t61SHhkknOHhqdSR398gv3EU18WWXSg3qre9h0xhmKLRZ1Ar1pw1igQjAWfvm0=
        """)

    static let encrypted = pem(
        "ENCRYPTED PRIVATE KEY",
        """
        MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIbYC40LmqM0wCAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEq
        BBCy249fWnk4UCLrclinlpA2BIIE0ANp2HFGoMZSDvgf+4LkDM7QWGrt6+h+6X6euJb8lz3w62eUHtRfVSP/bVkeDvE8BAeftvD+
        drHmYrqE46O61hhawOtP8M/beMIN/uJarXlKlsz9dLpR2BSyp5/F1TWrdqMIDGvKZonKsXJlKn3ebiAxm/2HltyNOwJ89Hw/InHD
        gYzEoRGQvBiamGVgEb3krH201RmSmwJeUZ4vk4nswt+xcbxobH7R8ewr8KQYoEJEK1Vq6iWtFtZ3u4bKHfhq6DDO/sLUjBU+nOs3
        GnCZW3vi+FR/0ZRfW5vNpmWJao1IHTwPALEY8YJ1P0dZCJJfDeoitRoD9P687KfKa8H4R9NAA3xO5UGZ8vxvOkmAdGBBluR0peb9
        yn2XgFoNcggDVbOCEia/xS5tT/2yU+H1vubInw2zsnjs0wlaxmim/qcwblZXBCIrLuAbwLASMS48oyez54oxhZ+KxCyCQVdPYx+/
        O9IKZE7uZBLXo4eipT9FTCtq0rHcvQzkJb8nGw2Sr3BUfZVU0DHMPLvAIOZGh49t6nkEzLBM6oIkgFN9ooO9Ncyn4dQX/0NmVAie
        H1TzxAJQRM1CNV3OgX0dT/Qfe1feyWpTD8zd4gjRXla9t6YOsq2yTKSg04p7d1fU8c79OJR2ftvuYS0LymlX/nNGb4aYz7N88W6z
        iimRLTTsIo6GLKrH+NfXLTutygpxinaeRVWP0db7lz6npg1dB/Joo4Ed5Cile0F5fjDVf6f06HXeMjIT17Pn76tBmqsrYxMaC48R
        Sps/DbZrUO1HVIrad6wWjtdg0w5JY+KNUPfSQ6zWNkIh3BGTjdm9flNYmNot2DRoTsYNRsLZ2qaMN/clQBnW32RmJnjdQ4GwnH6K
        xKFOdssLVTyVYN0i8fLVgoLj1hOrpXykp2teH272qXZucaQ8uxSSvlQ34gu/yQpwr5FbU3mD4S3Rg6YpyQJ3FbEtwD7el6M1ohHJ
        kazdE4xEnM1oC2K+fzaHfCXHhaNAFugCAvsGj4qduw57yYTyeJh3z1LwYzYJLe3U9JCNZ9hL8zU1hry0Zg1kxeDwXxbXaxC6PSUZ
        c9/iY1/qTAjWw9QoBmBRWeTlxRqsqeD+dSuMUgpPKcGwMoUUFuQYV+T+o/VCuRBxffg7vz3f+9rqjsELLWgkf0FR2Y0tK6PLrZuR
        NrI5fI2Oj6AeDnx8bNvrqj32RGvZPO2KXOMF0gkNbKdPOpsHBAri6x/oouxWsyy5+TfMxggOD946tLSsm91FKKXaEFNJ09OqM+Hm
        aOOLItEESHWLqM/aBtzoHmbvHEPwEQNQdDeWosw4KVj9M5t8k3R1TT7Oeqluf4x5VPWFmmdvb8mc4Gw0IMo+LXvD3qD9niqCDstH
        lwtUtBWx/0jHdeJXPaquQYXdvwOuLxsdegavbZDjzbcUjZ9GcwnB8sDaUvVCsDhSaydSIXg3lzNjTXgQTBvplUzPNGjBPlgY7a8y
        W1Swl3mOXG+D/b/EBdpA32SPVAXeLxXA42S6h3cTC/aIxKvoSeGVFLPl5ZS3fPlaRwKx2ORhukl+WbAx5wV3TLS/e3YMW507K2gZ
        mOSvJk1/mWT5cVF+ifT2jWGskbdgbwCeortt0pgTW8K6TgTBIsqo6E8MVdNvvPj7/hFbqbZA
        """)

    static let ellipticCurve = pem(
        "PRIVATE KEY",
        """
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSgFG8EaPDOSEzr9jHXVD9NoXxZHqEqB8ziteKGsq6RShRANCAAT7
        3/wpHwW7apxU2U0vcFQ2XqbFb7CsTq47j620mSZzPZUDsUoOTm9rZlY/rrSSnBEuXEwLYHVTz/co6kCYxLMQ
        """)

    /// PEM wants lines of 64.
    static func pem(_ label: String, _ body: String) -> String {
        var rest = body.filter { !$0.isNewline }[...]
        var lines: [Substring] = []
        while !rest.isEmpty {
            lines.append(rest.prefix(64))
            rest = rest.dropFirst(64)
        }
        return "-----BEGIN \(label)-----\n\(lines.joined(separator: "\n"))\n-----END \(label)-----\n"
    }
}
