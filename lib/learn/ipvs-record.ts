import { type LabRecord } from './recorded-lab.js'

/** The lesson about ipvs mode, as it ran. test/learn/ipvs-lesson.test.ts writes it. */
export const IPVS_RECORD: LabRecord = {
  facts: {
    nodeIP: '192.168.50.1',
    clientIP: '10.244.0.2',
    outsideIP: '192.168.50.2',
    nodeName: 'vm',
    service: {
      name: 'nginx-service',
      clusterIP: '10.96.0.10',
      selector: {
        app: 'nginx',
      },
      affinity: false,
      ports: [
        {
          name: '',
          port: 80,
          targetPort: 80,
          protocol: 'TCP',
        },
      ],
    },
    pods: [
      {
        name: 'nginx-deployment-1',
        ip: '10.244.0.5',
        deployment: 'nginx-deployment',
      },
      {
        name: 'nginx-deployment-2',
        ip: '10.244.0.6',
        deployment: 'nginx-deployment',
      },
      {
        name: 'nginx-deployment-3',
        ip: '10.244.0.7',
        deployment: 'nginx-deployment',
      },
    ],
  },
  calls: [
    {
      where: 'node',
      command: 'kube-proxy --proxy-mode=ipvs',
      output: '',
      exitCode: 0,
      isLever: true,
    },
    {
      where: 'node',
      command: 'ip -4 -brief address',
      output:
        'lo               UNKNOWN        127.0.0.1/8 \ncni0             UP             10.244.0.1/24 \neth0@if2         UP             192.168.50.1/24 \nkube-ipvs0       DOWN           10.96.0.53/32 10.96.0.10/32',
      exitCode: 0,
    },
    {
      where: 'node',
      command: 'ipvsadm -L -n --stats --exact',
      output:
        'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\nTCP  10.96.0.10:80                       0        0        0        0        0\n  -> 10.244.0.5:80                       0        0        0        0        0\n  -> 10.244.0.6:80                       0        0        0        0        0\n  -> 10.244.0.7:80                       0        0        0        0        0\nUDP  10.96.0.53:53                       0        0        0        0        0\n  -> 10.244.0.3:53                       0        0        0        0        0\n  -> 10.244.0.4:53                       0        0        0        0        0',
      exitCode: 0,
    },
    {
      where: 'client',
      command:
        "curl -s --max-time 10 -H 'Connection: close' 'http://10.96.0.10/?[1-9]' | grep -o 'deployment-[0-9]*' | cut -d- -f2 | tr '\\n' ' '",
      output: '3 2 1 3 2 1 3 2 1',
      exitCode: 0,
    },
    {
      where: 'node',
      command: 'ipvsadm -L -n --stats --exact',
      output:
        'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\nTCP  10.96.0.10:80                       9       52       44     3631     4340\n  -> 10.244.0.5:80                       3       17       15     1193     1464\n  -> 10.244.0.6:80                       3       17       14     1193     1412\n  -> 10.244.0.7:80                       3       18       15     1245     1464\nUDP  10.96.0.53:53                       0        0        0        0        0\n  -> 10.244.0.3:53                       0        0        0        0        0\n  -> 10.244.0.4:53                       0        0        0        0        0',
      exitCode: 0,
    },
    {
      where: 'node',
      command: 'ipvsadm -L -n --stats --exact',
      output:
        'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\nTCP  10.96.0.10:80                       9       52       44     3631     4340\n  -> 10.244.0.5:80                       3       17       15     1193     1464\n  -> 10.244.0.6:80                       3       17       14     1193     1412\n  -> 10.244.0.7:80                       3       18       15     1245     1464\nUDP  10.96.0.53:53                       0        0        0        0        0\n  -> 10.244.0.3:53                       0        0        0        0        0\n  -> 10.244.0.4:53                       0        0        0        0        0',
      exitCode: 0,
    },
    {
      where: 'client',
      command: 'curl -s --max-time 10 http://10.96.0.10',
      output: 'This is Pod nginx-deployment-3 (10.244.0.7). It received your request from 10.244.0.2.',
      exitCode: 0,
    },
    {
      where: 'node',
      command: 'ipvsadm -L -n --stats --exact',
      output:
        'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\nTCP  10.96.0.10:80                       9       52       44     3631     4340\n  -> 10.244.0.5:80                       3       17       15     1193     1464\n  -> 10.244.0.6:80                       3       17       14     1193     1412\n  -> 10.244.0.7:80                       3       18       15     1245     1464\nUDP  10.96.0.53:53                       0        0        0        0        0\n  -> 10.244.0.3:53                       0        0        0        0        0\n  -> 10.244.0.4:53                       0        0        0        0        0',
      exitCode: 0,
    },
    {
      where: 'node',
      command: 'ipvsadm -L -n --stats --exact',
      output:
        'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\nTCP  10.96.0.10:80                      10       58       48     4025     4804\n  -> 10.244.0.5:80                       3       17       15     1193     1464\n  -> 10.244.0.6:80                       3       17       14     1193     1412\n  -> 10.244.0.7:80                       4       24       19     1639     1928\nUDP  10.96.0.53:53                       0        0        0        0        0\n  -> 10.244.0.3:53                       0        0        0        0        0\n  -> 10.244.0.4:53                       0        0        0        0        0',
      exitCode: 0,
    },
  ],
}
